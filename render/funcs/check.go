package funcs

import (
	"encoding/json"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// HealthCheck is one check of an instance or of its node. Fields and JSON form
// are those of Consul's API client.
type HealthCheck struct {
	Node        string
	CheckID     string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string
	ServiceTags []string
	Type        string
	Namespace   string `json:",omitempty"`
	Partition   string `json:",omitempty"`
	ExposedPort int
	PeerName    string `json:",omitempty"`
	Definition  CheckDefinition
	CreateIndex uint64
	ModifyIndex uint64
}

// HealthChecks are the checks of an instance.
type HealthChecks []*HealthCheck

// AggregatedStatus is the worst state of the checks, with maintenance beyond
// critical.
func (c HealthChecks) AggregatedStatus() string {
	checks := make([]watch.Check, 0, len(c))
	for _, check := range c {
		checks = append(checks, watch.Check{ID: check.CheckID, Status: check.Status})
	}
	return watch.AggregateStatus(checks)
}

// CheckDefinition is how a check is made, as far as the source tells. Durations
// are there twice, as in Consul's API client.
type CheckDefinition struct {
	HTTP                                   string
	Header                                 map[string][]string
	Method                                 string
	Body                                   string
	TLSServerName                          string
	TLSSkipVerify                          bool
	TCP                                    string
	TCPUseTLS                              bool
	UDP                                    string
	GRPC                                   string
	OSService                              string
	GRPCUseTLS                             bool
	IntervalDuration                       time.Duration `json:"-"`
	TimeoutDuration                        time.Duration `json:"-"`
	DeregisterCriticalServiceAfterDuration time.Duration `json:"-"`
	SessionName                            string        `json:",omitempty"`
	Interval                               CheckDuration
	Timeout                                CheckDuration
	DeregisterCriticalServiceAfter         CheckDuration
}

// CheckDuration is a duration that prints as "10s".
type CheckDuration time.Duration

// String has a pointer receiver so that a whole definition prints as users know
// it, with numbers.
func (d *CheckDuration) String() string { return time.Duration(*d).String() }

// MarshalJSON puts the durations first, as text.
func (d *CheckDefinition) MarshalJSON() ([]byte, error) {
	type rest CheckDefinition
	return json.Marshal(struct {
		Interval                       string
		Timeout                        string
		DeregisterCriticalServiceAfter string
		*rest
	}{d.Interval.String(), d.Timeout.String(), d.DeregisterCriticalServiceAfter.String(), (*rest)(d)})
}

func newHealthCheck(c watch.Check) *HealthCheck {
	return &HealthCheck{
		Node:        c.Node,
		CheckID:     c.ID,
		Name:        c.Name,
		Status:      c.Status,
		Notes:       c.Notes,
		Output:      c.Output,
		ServiceID:   c.ServiceID,
		ServiceName: c.ServiceName,
		ServiceTags: c.ServiceTags,
		Type:        c.Type,
		Namespace:   c.Namespace,
		Partition:   c.Partition,
		ExposedPort: c.ExposedPort,
		PeerName:    c.Peer,
		Definition:  newCheckDefinition(c.Definition),
		CreateIndex: c.CreateIndex,
		ModifyIndex: c.ModifyIndex,
	}
}

func newCheckDefinition(d *watch.CheckDefinition) CheckDefinition {
	if d == nil {
		return CheckDefinition{}
	}
	return CheckDefinition{
		HTTP:                                   d.HTTP,
		Header:                                 d.Header,
		Method:                                 d.Method,
		Body:                                   d.Body,
		TLSServerName:                          d.TLSServerName,
		TLSSkipVerify:                          d.TLSSkipVerify,
		TCP:                                    d.TCP,
		TCPUseTLS:                              d.TCPUseTLS,
		UDP:                                    d.UDP,
		GRPC:                                   d.GRPC,
		OSService:                              d.OSService,
		GRPCUseTLS:                             d.GRPCUseTLS,
		IntervalDuration:                       d.Interval,
		TimeoutDuration:                        d.Timeout,
		DeregisterCriticalServiceAfterDuration: d.DeregisterCriticalServiceAfter,
		SessionName:                            d.SessionName,
		Interval:                               CheckDuration(d.Interval),
		Timeout:                                CheckDuration(d.Timeout),
		DeregisterCriticalServiceAfter:         CheckDuration(d.DeregisterCriticalServiceAfter),
	}
}
