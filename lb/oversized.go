package lb

import (
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// maxName bounds the names of services and what names an instance, in bytes. Consul
// takes any; they stand in each line of the log, in the metrics and in the API.
const maxName = 512

// cut is enough of a text to know it by.
func cut(text string) string { return text[:64] + "…" }

// oversized are the problems of services that are not looked at for their names.
func oversized(services []watch.ServiceTags, o Options) (problems []tags.Problem) {
	for _, s := range services {
		if len(s.Name) > maxName && tags.CanRoute(o.Tags, s.Tags) && len(problems) < tags.MaxProblems {
			problems = append(problems, tags.Problem{
				Service: cut(s.Name), Offset: -1, Reason: fmt.Sprintf("the name of the service has more than %d bytes", maxName),
			})
		}
	}
	return problems
}

// withoutOversized leaves out the instances of a service that cannot be named in
// reasonable room.
func withoutOversized(service string, all []watch.Instance) ([]watch.Instance, []tags.Problem) {
	n := 0
	isOversized := func(i watch.Instance) bool {
		return len(i.Service.ID) > maxName || len(i.Node.Name) > maxName || len(i.Address()) > maxName
	}
	for _, i := range all {
		if isOversized(i) {
			n++
		}
	}
	if n == 0 {
		return all, nil
	}
	return slices.DeleteFunc(slices.Clone(all), isOversized), []tags.Problem{{
		Service: service, Offset: -1, Instances: n,
		Reason: fmt.Sprintf("the ID, the node or the address of an instance has more than %d bytes; it is left out", maxName),
	}}
}
