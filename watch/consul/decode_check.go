package consul

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// wireDefinition is how a check is made; nil where Consul does not say. It is
// {} for nearly all checks, which costs no allocation.
type wireDefinition struct{ *watch.CheckDefinition }

func (d *wireDefinition) UnmarshalJSON(data []byte) error {
	if text := string(data); text == "{}" || text == "null" {
		return nil
	}
	type own watch.CheckDefinition
	var wire struct {
		own
		// These hide the fields of the same name, as Consul writes "10s".
		Interval                       wireDuration
		Timeout                        wireDuration
		DeregisterCriticalServiceAfter wireDuration
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	definition := watch.CheckDefinition(wire.own)
	definition.Interval = time.Duration(wire.Interval)
	definition.Timeout = time.Duration(wire.Timeout)
	definition.DeregisterCriticalServiceAfter = time.Duration(wire.DeregisterCriticalServiceAfter)
	d.CheckDefinition = &definition
	return nil
}

// wireDuration is "10s" or a number of nanoseconds.
type wireDuration time.Duration

func (d *wireDuration) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return json.Unmarshal(data, (*int64)(d))
	}
	if text == "" {
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("a check's definition: %w", err)
	}
	*d = wireDuration(parsed)
	return nil
}
