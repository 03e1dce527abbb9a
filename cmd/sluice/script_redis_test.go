package main

import (
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/rogpeppe/go-internal/testscript"
)

// redis          starts a Redis with the password "open-sesame" and sets REDIS
// redis stop     closes its port and all connections
// redis start    opens it again, with what it had.
func redisCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch verb := strings.Join(args, " "); {
	case verb == "" && s.redis == nil:
		s.redis = miniredis.NewMiniRedis()
		s.redis.RequireAuth("open-sesame")
		ts.Check(s.redis.Start())
		ts.Defer(s.redis.Close)
		ts.Setenv("REDIS", s.redis.Addr())
	case verb == "stop" && s.redis != nil:
		s.redis.Close()
	case verb == "start" && s.redis != nil:
		ts.Check(s.redis.Restart())
	default:
		ts.Fatalf("usage: redis [stop|start]")
	}
}
