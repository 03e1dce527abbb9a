package funcs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// NomadServicesSnippet is a service registered in Nomad, with the union of its
// instances' tags.
type NomadServicesSnippet struct {
	Name string
	Tags Tags
}

// NomadService is one instance of a service registered in Nomad.
type NomadService struct {
	ID         string
	Name       string
	Node       string // its ID
	Address    string
	Port       int
	Datacenter string
	Tags       Tags
	JobID      string
	AllocID    string
}

const (
	nomadServicesGrammar = "@region"
	nomadServiceGrammar  = "[tag.]name@region"
)

// nomadServices lists the services registered in Nomad, by name.
func (b *Binding) nomadServices(args ...string) ([]*NomadServicesSnippet, error) {
	text := strings.Join(args, "")
	a, err := parseArgument(text, "@")
	if err == nil && a.name != "" {
		err = errors.New("nothing but a region can be given")
	}
	if err != nil {
		return nil, malformed("nomadServices", text, nomadServicesGrammar, err)
	}
	answer, _ := recall(b, watch.NomadServices{Region: a.dc})
	list := make([]*NomadServicesSnippet, 0, len(answer))
	for _, s := range answer {
		list = append(list, &NomadServicesSnippet{Name: s.Name, Tags: newTags(s.Tags)})
	}
	return list, nil
}

// nomadService lists the instances of a service: nomadService "[tag.]name@region",
// or nomadService count key "[tag.]name@region" for so many of them, the same
// ones for the same key.
func (b *Binding) nomadService(args ...any) ([]*NomadService, error) {
	q, tag, err := parseNomadService(args)
	if err != nil {
		return nil, err
	}
	answer, _ := recall(b, q)
	list := make([]*NomadService, 0, len(answer))
	for _, s := range answer {
		tags := newTags(s.Tags)
		if tag != "" && !tags.Contains(tag) {
			continue
		}
		list = append(list, &NomadService{
			ID:         s.ID,
			Name:       s.Name,
			Node:       s.Node,
			Address:    s.Address,
			Port:       s.Port,
			Datacenter: s.Datacenter,
			Tags:       tags,
			JobID:      s.JobID,
			AllocID:    s.AllocID,
		})
	}
	return list, nil
}

func parseNomadService(args []any) (q watch.NomadService, tag string, err error) {
	var text string
	fits := false
	switch len(args) {
	case 1:
		text, fits = args[0].(string)
	case 3:
		var isCount, isKey bool
		q.Count, isCount = args[0].(int)
		q.Key, isKey = args[1].(string)
		text, fits = args[2].(string)
		fits = fits && isCount && isKey
		if fits && (q.Count < 0 || q.Key == "") {
			return q, "", fmt.Errorf("nomadService %d %q %q: the count must not be negative, nor the key empty", q.Count, q.Key, text)
		}
	}
	if !fits {
		return q, "", errors.New("nomadService: the arguments are not a name, nor a count, a key and a name")
	}
	a, err := parseArgument(text, "@")
	if err != nil {
		return q, "", malformed("nomadService", text, nomadServiceGrammar, err)
	}
	q.Name, q.Region = a.name, a.dc
	if dot := strings.LastIndexByte(a.name, '.'); dot >= 0 {
		tag, q.Name = a.name[:dot], a.name[dot+1:]
	}
	switch {
	case tag != "" && !consistsOf(tag, "=:.-"):
		err = fmt.Errorf("the tag %q may hold only letters, digits and _ = : . -", tag)
	case !consistsOf(q.Name, "-"):
		err = fmt.Errorf("the name %q may hold only letters, digits, _ and -", q.Name)
	}
	if err != nil {
		return q, "", malformed("nomadService", text, nomadServiceGrammar, err)
	}
	return q, tag, nil
}
