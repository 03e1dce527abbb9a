package certs

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
)

// keptSource has the certificates of one source, for any number of listeners.
type keptSource struct {
	Source
	keeper *tlsconf.Keeper
	issuer *tlsconf.Issuer // nil if they are all read
}

// keptFor finds the source of a listener's certificates, or opens it.
func (c *Certificates) keptFor(l *listener.Listener) (*keptSource, error) {
	source := Source{
		Name: l.CertFile, Type: tlsconf.TypeFile, Cert: l.CertFile, Key: l.KeyFile,
		ClientCA: l.ClientCA, Refresh: defaultRefresh,
	}
	if l.CertSource != "" {
		var err error
		if source, err = c.options.source(l.CertSource); err != nil {
			return nil, err
		}
	}
	for _, k := range c.kept {
		if k.Name == source.Name && k.Key == source.Key && k.ClientCA == source.ClientCA {
			return k, nil
		}
	}
	k := &keptSource{Source: source, keeper: tlsconf.NewKeeper(source.Name, source.local(), c.log)}
	if source.Type == typeVaultPKI {
		if c.options.Issue == nil {
			return nil, fmt.Errorf("certificate source %s: type=vault-pki needs a Vault: give its address (-vault-addr, VAULT_ADDR)", source.Name)
		}
		k.issuer = tlsconf.NewIssuer(c.options.issuing(source.Cert), source.Refresh, c.log.With("certificates", source.Name))
	}
	if err := k.load(); err != nil {
		return nil, err
	}
	c.kept = append(c.kept, k)
	return k, nil
}

func (o *Options) source(name string) (Source, error) {
	for _, c := range o.Sources {
		if c.Name == name {
			return c, nil
		}
	}
	for i := range o.ACME {
		if o.ACME[i].Name == name {
			// What clients get for names there is nothing issued for.
			return Source{Name: name, Type: tlsconf.TypeSelfSigned}, nil
		}
	}
	return Source{}, fmt.Errorf("there is no certificate source %q", name)
}

// issuing has certificates issued by the role at a path.
func (o *Options) issuing(path string) tlsconf.IssueFunc {
	return func(ctx context.Context, name string) (tlsconf.Pair, error) {
		issued, err := o.Issue(ctx, path, name)
		if err != nil {
			return tlsconf.Pair{}, err
		}
		chain := strings.Join(append([]string{issued.Cert}, issued.CAChain...), "\n")
		return tlsconf.Pair{Name: name, Cert: []byte(chain), Key: []byte(issued.Key)}, nil
	}
}

// load reads what can be read at once. A source on this machine has to have a
// certificate; others may still be on their way.
func (k *keptSource) load() error {
	const patience = 5 * time.Second
	if k.isWatched() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := k.keeper.Load(ctx)
	if k.Type != tlsconf.TypeHTTP && k.keeper.Store.Empty() {
		return fmt.Errorf("certificates of %s: %w", cmp.Or(k.Name, k.Type), err)
	}
	k.keeper.Tell(err)
	return nil
}

// run keeps the certificates up to date until ctx ends.
func (k *keptSource) run(ctx context.Context, w *watch.Watcher) {
	var wg sync.WaitGroup
	defer wg.Wait()
	switch {
	case k.issuer != nil:
		wg.Go(func() { k.issuer.Run(ctx) })
		if k.ClientCA != "" {
			k.follow(ctx, w)
		}
	case k.isWatched():
		k.follow(ctx, w)
	default:
		k.keeper.Run(ctx)
	}
}
