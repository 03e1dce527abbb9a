package push

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Names say what the metrics are called that were gathered.
type Names struct {
	// Prefix stands before each, as it is.
	Prefix string
	// Name is what one is called; nil leaves it as it is.
	Name func(gathered string) string
	// Tag is what a label is called where there are tags; nil leaves it as it is.
	Tag func(label string) string
	// Flat is what one is called where there are no tags. Metrics of the same name
	// are added up, those without one left out. Nil puts each label and its value behind the name.
	Flat func(name string, labels Labels) string
}

// Labels are those of one metric.
type Labels []*dto.LabelPair

// Value of a label, empty if there is none.
func (l Labels) Value(name string) string {
	i := slices.IndexFunc(l, func(p *dto.LabelPair) bool { return p.GetName() == name })
	if i < 0 {
		return ""
	}
	return l[i].GetValue()
}

// collect gives what was gathered its names.
func (n *Names) collect(families []*dto.MetricFamily, tagged bool) map[string]*series {
	all := map[string]*series{}
	for _, f := range families {
		name := f.GetName()
		if n.Name != nil {
			name = n.Name(name)
		}
		for _, m := range f.GetMetric() {
			as, tags := name, ""
			if tagged {
				tags = n.tags(m.GetLabel())
			} else if as = n.flat(name, m.GetLabel()); as == "" {
				continue
			}
			as = clean(n.Prefix + as)
			key := as + "\x00" + tags
			if all[key] == nil {
				all[key] = &series{name: as, tags: tags}
			}
			all[key].add(f.GetType(), m)
		}
	}
	return all
}

func (n *Names) flat(name string, labels Labels) string {
	if n.Flat != nil {
		return n.Flat(name, labels)
	}
	return Nested(name, labels, func(value string) string { return strings.Map(replaced("./"), value) })
}

// Nested puts each label and what its value is written as behind the name.
func Nested(name string, labels Labels, written func(value string) string) string {
	for _, l := range labels {
		name += "." + l.GetName() + "." + written(l.GetValue())
	}
	return name
}

func (n *Names) tags(labels Labels) string {
	tags := make([]string, len(labels))
	for i, l := range labels {
		name := l.GetName()
		if n.Tag != nil {
			name = n.Tag(name)
		}
		tags[i] = cleanTag(name + ":" + l.GetValue())
	}
	return strings.Join(tags, ",")
}

// clean makes a name of what has no sign in it that ends names; cleanTag is the
// same for a tag.
func clean(name string) string { return strings.Map(replaced(":|;"), name) }

func cleanTag(tag string) string { return strings.Map(replaced("|,"), tag) }

func replaced(signs string) func(rune) rune {
	return func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(signs, r) {
			return '_'
		}
		return r
	}
}
