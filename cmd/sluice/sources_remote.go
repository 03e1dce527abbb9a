package main

import (
	"github.com/sluiceproxy/sluice/watch/nomad"
)

// addNomad opens Nomad. Nothing is asked of it unless a template does.
func (s *sources) addNomad(c Nomad, getenv func(string) string) error {
	if !c.Enabled.Or(true) {
		return nil
	}
	agent, err := nomad.New(c.config().Over(nomad.ConfigFromEnv(getenv)))
	if err != nil {
		return &exitError{exitConfig, err}
	}
	s.all = append(s.all, agent)
	s.run = append(s.run, agent.Run)
	return nil
}
