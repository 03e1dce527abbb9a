package lb

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

// askFrom asks as the client of an address, on a connection of its own.
func (c *composed) askFrom(address string) string {
	c.t.Helper()
	transport := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(c.url("/"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

func TestHighestRandomWeightServices(t *testing.T) {
	tags := []string{
		"app.highestrandomweight.services[0].name=a", "app.highestrandomweight.services[0].weight=3",
		"app.highestrandomweight.services[1].name=b", "app.highestrandomweight.services[2].name=idle",
		"app.highestrandomweight.services[2].weight=0", "app.highestrandomweight.services[3].name=gone",
	}
	c := startComposed(t, tags, map[string]http.HandlerFunc{"a": says("a"), "b": says("b"), "idle": says("idle")})
	if !c.hasProblem("there is no service gone") {
		t.Errorf("no problem tells of the part that is not there: %v", c.Table().Problems())
	}
	const clients = 80
	first, counts := map[string]string{}, map[string]int{}
	for i := range clients {
		address := fmt.Sprintf("127.0.1.%d", i+1)
		first[address] = c.askFrom(address)
		counts[first[address]]++
		if again := c.askFrom(address); again != first[address] {
			t.Errorf("client %s is answered by %s, and then by %s", address, first[address], again)
		}
	}
	if counts["a"]+counts["b"] != clients || counts["a"] <= counts["b"] || counts["b"] == 0 {
		t.Errorf("by weights 3 and 1: %v", counts)
	}

	c.set(c.source, "b", watch.Critical)
	eventually(t, "a answers for b", func() bool { return c.askFrom("127.0.0.1") == "a" && moved(c, first, "b") })
	c.set(c.source, "b", watch.Passing)
	eventually(t, "all are back", func() bool {
		for address, service := range first {
			if c.askFrom(address) != service {
				return false
			}
		}
		return true
	})
	c.set(c.source, "a", watch.Critical)
	c.set(c.source, "b", watch.Critical)
	eventually(t, "nobody is left", func() bool { return c.count(1)["503 503 no available server"] == 1 })
}

// moved reports whether the clients of one service, and no others, have another.
func moved(c *composed, first map[string]string, from string) bool {
	for address, service := range first {
		if now := c.askFrom(address); (now != service) != (service == from) {
			return false
		}
	}
	return true
}
