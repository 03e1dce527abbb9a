package main

import (
	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/cmd/sluice/fabioapi"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/consul"
)

// addFabio has the admin listener answer as Fabio's, if it is the one that Fabio
// was told of.
func (d *daemon) addFabio(o *admin.Options) error {
	ui := d.config.FabioUI
	if ui == nil || ui.Listen != d.config.Admin.Listen {
		return nil
	}
	api := fabioapi.Options{
		Config: d.config, Version: version, Table: d.lb.Table,
		Snapshot: func() *watch.Snapshot { return d.currentFeed().watcher.Snapshot() },
	}
	keys, err := d.manualKeys()
	if err != nil {
		return err
	}
	if keys != nil {
		api.Keys = keys
	}
	o.Fabio = fabioapi.New(api)
	return nil
}

// Keys is nil if manual routes are not in Consul.
func (d *daemon) manualKeys() (*consul.Keys, error) {
	c := d.config
	if c.Fabio.RoutesKey == "" || !c.AsksConsul() {
		return nil, nil
	}
	environment, err := consul.ConfigFromEnv(d.getenv)
	if err != nil {
		return nil, err
	}
	return consul.NewKeys(c.ConsulConfig(d.log).Over(environment))
}
