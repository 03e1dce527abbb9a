package config

import (
	"syscall"
	"time"
)

// Exec is a command and how it is run: that of a template, or the program to
// supervise.
type Exec struct {
	Command Command `hcl:"command"`
	// Timeout 0 means: start it, and neither wait for it nor mind its status. It
	// has no meaning for the supervised program.
	Timeout Optional[time.Duration] `hcl:"timeout"`
	// Enabled is accepted and has no effect: a command is what counts.
	Enabled bool `hcl:"enabled"`

	// Splay is the most by which it is delayed.
	Splay time.Duration `hcl:"splay"`
	// KillSignal asks it to end, KillTimeout later it is killed.
	KillSignal  Optional[Signal]        `hcl:"kill_signal"`
	KillTimeout Optional[time.Duration] `hcl:"kill_timeout"`
	// ReloadSignal tells the supervised program of changes; 0 starts it anew.
	ReloadSignal Signal  `hcl:"reload_signal"`
	Env          ExecEnv `hcl:"env"`
}

// ExecEnv says which environment a command gets.
type ExecEnv struct {
	// Pristine keeps the environment of sluice from it.
	Pristine bool `hcl:"pristine"`
	// Custom are K=V entries that are added.
	Custom []string `hcl:"custom,accumulate"`
	// Allowlist and Denylist are shell patterns of inherited names; the latter
	// wins.
	Allowlist []string `hcl:"allowlist,alias=whitelist,accumulate"`
	Denylist  []string `hcl:"denylist,alias=blacklist,accumulate"`
}

const defaultChildKillTimeout = 30 * time.Second

// settle gives the supervised program consul-template's defaults.
func (e *Exec) settle() {
	if len(e.Command) == 0 {
		return
	}
	e.KillSignal = Some(e.KillSignal.Or(Signal(syscall.SIGINT)))
	e.KillTimeout = Some(e.KillTimeout.Or(defaultChildKillTimeout))
}
