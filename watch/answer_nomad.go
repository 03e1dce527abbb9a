package watch

// NomadInstance is one running copy of a service that is registered in Nomad.
type NomadInstance struct {
	ID         string
	Name       string
	Node       string // its ID
	Address    string
	Port       int
	Datacenter string
	Tags       []string
	JobID      string
	AllocID    string
}

// NomadVariableInfo is what Nomad tells of a variable besides its items.
type NomadVariableInfo struct {
	Namespace   string
	Path        string
	CreateIndex uint64
	ModifyIndex uint64
	CreateTime  int64 // nanoseconds since 1970
	ModifyTime  int64 // nanoseconds since 1970
}

// NomadVariableItems is a variable. Its items are secrets.
type NomadVariableItems struct {
	NomadVariableInfo
	Items map[string]string
}
