package listener

import "slices"

// Entrypoints are the names of all listeners, and other names that routes may
// call some of them by: the first that speaks HTTP is "web" and "http", the first
// that speaks HTTPS "websecure" and "https", unless a listener has that name.
//
// While no listener has a name and all are of one kind, there are no names at
// all: each route is served on each listener, whatever it asks for.
func Entrypoints(listeners []Listener) (names []string, aliases map[string]string) {
	first := map[string]*Listener{}
	named := false
	for i := range listeners {
		l := &listeners[i]
		names = append(names, l.Entrypoint())
		named = named || l.Name != ""
		kind := l.Proto
		if kind == ProtoHTTPSAndSNI {
			kind = ProtoHTTPS
		}
		if first[kind] == nil {
			first[kind] = l
		}
	}
	if !named && (first[ProtoHTTP] == nil || first[ProtoHTTPS] == nil) {
		return nil, nil
	}
	aliases = map[string]string{}
	for alias, kind := range map[string]string{
		"web": ProtoHTTP, "http": ProtoHTTP, "websecure": ProtoHTTPS, "https": ProtoHTTPS,
	} {
		if first[kind] != nil && !slices.Contains(names, alias) {
			aliases[alias] = first[kind].Entrypoint()
		}
	}
	return names, aliases
}
