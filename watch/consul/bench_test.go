package consul

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// BenchmarkSurvey measures, on a quiet catalog, the time from a change to the
// report of the service's name, and this process's CPU time per change.
func BenchmarkSurvey(b *testing.B) {
	for _, n := range []int{300, 3000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			consul := parts.StartConsul(b)
			for i := range n {
				consul.Register(service(fmt.Sprintf("svc-%04d", i), 1000, true, "urlprefix-/x", "v1"))
			}
			consul.Register(service("plain", 1, false))
			v := startSurvey(b, newSource(b, web(consul)))
			check := func(state, name string) func() string {
				return func() string {
					consul.Do("PUT", "/v1/agent/check/"+state+"/service:"+name+"-1", "")
					return name
				}
			}
			fail, pass := check("fail", "svc-0002"), check("pass", "svc-0002")
			measure(b, v, "passing", pass, fail)
			measure(b, v, "critical", fail, pass)
			measure(b, v, "new", func() string {
				name := fmt.Sprintf("new-%d", time.Now().UnixNano())
				consul.Register(service(name, 1, true))
				return name
			}, nil)
			measure(b, v, "tag", func() string {
				consul.Register(service("svc-0003", 1000, true, fmt.Sprint(time.Now().UnixNano())))
				return "svc-0003"
			}, nil)
			port := 0
			measure(b, v, "port", func() string {
				port++
				consul.Register(service("svc-0004", 2000+port, true, "urlprefix-/x", "v1"))
				return "svc-0004"
			}, nil)
			measure(b, v, "port-without-check", func() string {
				port++
				consul.Register(service("plain", 2000+port, false))
				return "plain"
			}, nil)
		})
	}
}

// measure times change; undo, if any, makes it possible again.
func measure(b *testing.B, v *surveyed, name string, change, undo func() string) {
	quiet := func() {
		for {
			select {
			case <-v.events:
			case <-time.After(1500 * time.Millisecond): // the dearest rung's rest
				return
			}
		}
	}
	b.Run(name, func(b *testing.B) {
		var worst, sum, cpu time.Duration
		for range b.N {
			if undo != nil {
				undo()
			}
			quiet()
			used, start := cpuTime(b), time.Now()
			v.until(change())
			took := time.Since(start)
			worst, sum = max(worst, took), sum+took
			quiet()
			cpu += cpuTime(b) - used
		}
		b.ReportMetric(ms(sum)/float64(b.N), "ms/change")
		b.ReportMetric(ms(worst), "ms-worst")
		b.ReportMetric(ms(cpu)/float64(b.N), "cpu-ms/change")
		b.ReportMetric(0, "ns/op")
	})
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchEntry is an instance as Consul 1.20.1 sends it.
const benchEntry = `{"Node":{"ID":"aa6a918f-83e9-e9d9-66b3-d4d41106689b","Node":"test","Address":"127.77.0.1","Datacenter":"dc1","TaggedAddresses":{"lan":"127.77.0.1","wan":"127.77.0.1"},"Meta":{"consul-version":"1.20.1"},"CreateIndex":11,"ModifyIndex":14},"Service":{"ID":"svc-0001-1","Service":"svc-0001","Tags":["urlprefix-/svc1","v1"],"Address":"","Meta":null,"Port":8099,"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":16,"ModifyIndex":321},"Checks":[{"Node":"test","CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing","Notes":"","Output":"Agent alive and reachable","ServiceID":"","ServiceName":"","ServiceTags":[],"Type":"","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":11,"ModifyIndex":11},{"Node":"test","CheckID":"service:svc-0001-1","Name":"Service 'svc-0001' check","Status":"warning","Notes":"","Output":"","ServiceID":"svc-0001-1","ServiceName":"svc-0001","ServiceTags":["b"],"Type":"ttl","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":16,"ModifyIndex":324}]}`

// BenchmarkDecodeHealth is the cost of a big answer: 500 instances.
func BenchmarkDecodeHealth(b *testing.B) {
	body := []byte("[" + strings.Repeat(benchEntry+",", 499) + benchEntry + "]")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, n, err := decodeHealth(body); err != nil || n != 500 {
			b.Fatal(n, err)
		}
	}
}
