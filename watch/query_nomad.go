package watch

import "strconv"

// NomadServices asks for the names of the services registered in Nomad with
// the union of their tags (GET /v1/services).
type NomadServices struct {
	Region string
}

// NomadService asks for the instances of one service that is registered in
// Nomad (GET /v1/service/NAME).
type NomadService struct {
	Region string
	Name   string
	// Count and Key, if Key is not empty, make Nomad choose as many instances by
	// rendezvous hashing: one key gets the same ones as long as they exist.
	Count int
	Key   string
}

// NomadVariables asks for the variables whose path starts with Prefix, without
// their items (GET /v1/vars).
type NomadVariables struct {
	Region string
	// Namespace "*" is all of them, an empty one the client's own.
	Namespace string
	Prefix    string
}

// NomadVariable asks for one variable (GET /v1/var/PATH). The answer is nil
// while it is absent.
type NomadVariable struct {
	Region    string
	Namespace string
	Path      string
}

func (NomadServices) query()  {}
func (NomadService) query()   {}
func (NomadVariables) query() {}
func (NomadVariable) query()  {}

func (NomadServices) answer() (a []ServiceTags)        { return }
func (NomadService) answer() (a []NomadInstance)       { return }
func (NomadVariables) answer() (a []NomadVariableInfo) { return }
func (NomadVariable) answer() (a *NomadVariableItems)  { return }

func (q NomadServices) String() string { return describeNomad("nomad services", "", "", q.Region) }

func (q NomadService) String() string {
	name := q.Name
	if q.Key != "" {
		name += " count=" + strconv.Itoa(q.Count) + " key=" + q.Key
	}
	return describeNomad("nomad service", name, "", q.Region)
}

func (q NomadVariables) String() string {
	return describeNomad("nomad variables", q.Prefix, q.Namespace, q.Region)
}

func (q NomadVariable) String() string {
	return describeNomad("nomad variable", q.Path, q.Namespace, q.Region)
}

func describeNomad(kind, name, namespace, region string) string {
	text := describe(kind, name, Scope{Namespace: namespace}, "")
	if region != "" {
		text += " region=" + region
	}
	return text
}
