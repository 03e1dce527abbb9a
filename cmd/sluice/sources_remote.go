package main

import (
	"log/slog"

	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/watch/nomad"
	"github.com/sluiceproxy/sluice/watch/vault"
)

// addNomad opens Nomad. Nothing is asked of it unless a template does.
func (s *sources) addNomad(c Nomad, getenv func(string) string) error {
	if !c.Enabled.Or(true) {
		return nil
	}
	agent, err := nomad.New(c.config().Over(nomad.ConfigFromEnv(getenv)))
	if err != nil {
		return exit.With(exit.Config, err)
	}
	s.all = append(s.all, agent)
	s.run = append(s.run, agent.Run)
	return nil
}

// addVault opens Vault, if it has an address. Nothing is asked of it unless a
// template does.
func (s *sources) addVault(c Vault, getenv func(string) string, log *slog.Logger) error {
	config := c.config(getenv, log)
	if !c.Enabled.Or(true) || config.Target.Address == "" {
		return nil
	}
	server, err := vault.New(config)
	if err != nil {
		return exit.With(exit.Config, err)
	}
	s.vault = server
	s.all = append(s.all, server)
	s.run = append(s.run, server.Run)
	return nil
}
