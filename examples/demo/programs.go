package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// runSluice runs the program with its log on our terminal until ctx ends.
func runSluice(ctx context.Context, path string, args []string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return runUntilCancelled(ctx, cmd)
}

// runAgent runs a Consul development agent on ip, its log in a file.
func runAgent(ctx context.Context, path, ip, folder string) error {
	log, err := os.Create(filepath.Join(folder, "consul.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, path, "agent", "-dev", "-node=demo", "-log-level=warn", "-bind="+ip, "-client="+ip)
	cmd.Stdout, cmd.Stderr = log, log
	return runUntilCancelled(ctx, cmd)
}

func runUntilCancelled(ctx context.Context, cmd *exec.Cmd) error {
	// Its own process group: Ctrl-C reaches it through us, once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return fmt.Errorf("%s ended", filepath.Base(cmd.Path))
}
