package main

import (
	"log/slog"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/watch/nomad"
	"github.com/sluiceproxy/sluice/watch/vault"
)

// addNomad opens Nomad. Nothing is asked of it unless a template does.
func (s *sources) addNomad(c config.Config, getenv func(string) string) error {
	if !c.Nomad.Enabled.Or(true) {
		return nil
	}
	agent, err := nomad.New(c.NomadConfig().Over(nomad.ConfigFromEnv(getenv)))
	if err != nil {
		return exit.With(exit.Config, err)
	}
	s.all = append(s.all, agent)
	s.run = append(s.run, agent.Run)
	return nil
}

// addVault opens Vault, if it has an address. Nothing is asked of it unless a
// template does.
func (s *sources) addVault(c config.Config, getenv func(string) string, log *slog.Logger) error {
	settings := c.VaultConfig(getenv, log)
	if !c.Vault.Enabled.Or(true) || settings.Target.Address == "" {
		return nil
	}
	server, err := vault.New(settings)
	if err != nil {
		return exit.With(exit.Config, err)
	}
	s.vault = server
	s.all = append(s.all, server)
	s.run = append(s.run, server.Run)
	return nil
}
