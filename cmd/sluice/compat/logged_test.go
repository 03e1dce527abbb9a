package compat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// logged is the last line the program has written that holds a text, without what
// is never the same.
func (a asker) logged(text string) (string, error) {
	for deadline := time.Now().Add(patience / 4); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		lines, err := a.lines()
		if err != nil {
			return "", err
		}
		for _, line := range slices.Backward(lines) {
			if strings.Contains(line, text) {
				return withoutTime(a.addresses.Replace(line)), nil
			}
		}
	}
	return "nothing", nil
}

// counted is how many lines hold a text. Those that are written later are not
// waited for.
func (a asker) counted(text string) (string, error) {
	lines, err := a.lines()
	if err != nil {
		return "", err
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, text) })
	return fmt.Sprint(len(lines)), nil
}

// lines are those the program has written to the file access.log in its folder and
// to those that were made of it, or to its output if there are none.
func (a asker) lines() (lines []string, err error) {
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(a.log), "access.log*"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		paths = []string{a.log}
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	return lines, nil
}

var (
	digit     = regexp.MustCompile(`\d`)
	clockTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+|\b\d{10,19}\b|\b\d+\.(\d{9}|\d{6}|\d{3})\b|127\.0\.0\.1:\d+`)
	ofMonth   = regexp.MustCompile(`\d\d/[A-Z][a-z][a-z]/\d{4}(:\d\d){3}`)
	// ofTraefik is the end of a line of Traefik's: how many there were, whose it is, and
	// how long it took.
	ofTraefik = regexp.MustCompile(` \d+ ("(?:\\.|[^"\\])*" "[^"]*") \d+ms$`)
)

// withoutTime has zeros for the digits of times, durations and clients' ports.
func withoutTime(line string) string {
	if strings.HasPrefix(line, "{") {
		return withoutTimeJSON(line)
	}
	line = clockTime.ReplaceAllStringFunc(line, func(text string) string {
		if host, _, ok := strings.Cut(text, ":"); ok && host == "127.0.0.1" {
			return host + ":{port}"
		}
		if whole, part, ok := strings.Cut(text, "."); ok && !strings.Contains(whole, "T") {
			text = "0." + part // as long as it took
		}
		return digit.ReplaceAllString(text, "0")
	})
	line = ofTraefik.ReplaceAllString(line, " 0 $1 0ms")
	return ofMonth.ReplaceAllString(line, "00/Mon/0000:00:00:00")
}

// withoutTimeJSON does the same of an object, whose members are in the order of
// their names then. A duration of 0 stays, for it says that there was nothing to
// wait for.
func withoutTimeJSON(line string) string {
	var members map[string]any
	if err := json.Unmarshal([]byte(line), &members); err != nil {
		return err.Error() + ": " + line
	}
	if ratio, ok := members["GzipRatio"].(float64); ok && ratio > 0 {
		members["DownstreamContentSize"] = "{number}" // as the writes happen to come
	}
	for name, value := range members {
		switch name {
		case "Duration", "OriginDuration", "Overhead":
			if value != 0.0 {
				members[name] = "{ns}"
			}
		case "RequestCount", "GzipRatio":
			if n, ok := value.(float64); ok && n != 0 {
				members[name] = "{number}"
			}
		case "request_X-Forwarded-Server":
			members[name] = "{hostname}"
		case "ClientPort":
			members[name] = "{port}"
		case "ClientAddr":
			host, _, _ := strings.Cut(fmt.Sprint(value), ":")
			members[name] = host + ":{port}"
		default:
			if t, ok := value.(string); ok {
				if _, err := time.Parse(time.RFC3339Nano, t); err == nil {
					members[name] = "{time}"
				}
			}
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err.Error() + ": " + line
	}
	return jsonPlain.Replace(string(text))
}

// jsonPlain takes back what is escaped for the sake of HTML.
var jsonPlain = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

// rotated renames the file access.log, tells the program so, and reports whether
// it has made another one.
func (a asker) rotated() (string, error) {
	file := filepath.Join(filepath.Dir(a.log), "access.log")
	if err := os.Rename(file, file+".1"); err != nil {
		return "", err
	}
	if err := a.process.Signal(syscall.SIGUSR1); err != nil {
		return "", err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(file); err == nil {
			return "another file", nil
		}
	}
	return "no other file", nil
}
