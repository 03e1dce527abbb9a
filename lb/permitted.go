package lb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// permitted is what the instances of a service ask for and may. If it matters
// where they run, each is looked at by itself: those that ask for what they may
// not are left out, or they would be among the targets of the others.
func (b *Builder) permitted(service string, found []watch.Instance) tags.Definition {
	found, problems := withoutOversized(service, found)
	claims := b.Claims
	if claims.LookAtInstances() {
		found = slices.Clone(found)
		found = slices.DeleteFunc(found, func(i watch.Instance) bool {
			o := claim.Owner{Service: service, Node: i.Node.Name, Namespace: cmp.Or(i.Service.Namespace, "default")}
			own := claims.Restrict(tags.Parse(b.Tags, service, b.instances([]watch.Instance{i})), o)
			refused := slices.DeleteFunc(own.Problems, func(p tags.Problem) bool { return !strings.HasPrefix(p.Reason, "the host is reserved") })
			problems = append(problems, refused...)
			return len(refused) > 0
		})
	}
	d := claims.Restrict(tags.Parse(b.Tags, service, b.instances(found)), claim.Owner{Service: service})
	d.Problems = append(d.Problems, problems...)
	return d
}
