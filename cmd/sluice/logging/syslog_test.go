package logging

import (
	"log/slog"
	"log/syslog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// Each level has the severity consul-template gives it.
func TestSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	to, err := syslog.Dial("unixgram", path, syslog.LOG_LOCAL0, "edge")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	log := slog.New(&syslogHandler{textHandler{level: config.LevelDebug, bare: true}, to}).With("part", "runner").WithGroup("g")
	for _, step := range []struct {
		level    config.LogLevel
		severity syslog.Priority
		want     string
	}{
		{config.LevelDebug, syslog.LOG_INFO, `[DEBUG] (runner) message g.key="a b"`},
		{config.LevelInfo, syslog.LOG_NOTICE, `[INFO] (runner) message g.key="a b"`},
		{config.LevelWarn, syslog.LOG_WARNING, `[WARN] (runner) message g.key="a b"`},
		{config.LevelError, syslog.LOG_ERR, `[ERR] (runner) message g.key="a b"`},
	} {
		log.Log(t.Context(), config.LevelTrace.Level(), "not this")
		log.Log(t.Context(), step.level.Level(), "message", "key", "a b")
		buf := make([]byte, 1000)
		if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(string(buf[:n]))
		head := "<" + strconv.Itoa(int(syslog.LOG_LOCAL0|step.severity)) + ">"
		if !strings.HasPrefix(got, head) || !strings.Contains(got, " edge[") || !strings.HasSuffix(got, "]: "+step.want) {
			t.Errorf("%v: received %q, want %s… %s", step.level, got, head, step.want)
		}
	}
}
