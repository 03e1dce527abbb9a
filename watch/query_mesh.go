package watch

// CARoots asks for the roots of the mesh's certificate authority
// (Consul: GET /v1/agent/connect/ca/roots).
type CARoots struct{}

// CALeaf asks for the certificate and private key with which a service proves
// in the mesh who it is (Consul: GET /v1/agent/connect/ca/leaf/NAME, which signs
// for any name).
type CALeaf struct {
	Service string
}

// Partitions asks for the admin partitions, which Consul Enterprise has.
type Partitions struct{}

// Peerings asks for the connections to other clusters.
type Peerings struct {
	Partition string
}

// ExportedServices asks for what a partition lets others see.
type ExportedServices struct {
	Partition string
}

// ImportedServices asks for what a partition sees of others, which newer
// versions of Consul Enterprise tell.
type ImportedServices struct {
	Partition string
}

func (CARoots) query()          {}
func (CALeaf) query()           {}
func (Partitions) query()       {}
func (Peerings) query()         {}
func (ExportedServices) query() {}
func (ImportedServices) query() {}

func (CARoots) answer() (a []CARoot)                   { return }
func (CALeaf) answer() (a *LeafCertificate)            { return }
func (Partitions) answer() (a []Partition)             { return }
func (Peerings) answer() (a []Peering)                 { return }
func (ExportedServices) answer() (a []ExportedService) { return }
func (ImportedServices) answer() (a []ImportedService) { return }

func (CARoots) String() string    { return "CA roots" }
func (q CALeaf) String() string   { return "CA leaf " + q.Service }
func (Partitions) String() string { return "partitions" }

func (q Peerings) String() string {
	return describe("peerings", "", Scope{Partition: q.Partition}, "")
}

func (q ExportedServices) String() string {
	return describe("exported services", "", Scope{Partition: q.Partition}, "")
}

func (q ImportedServices) String() string {
	return describe("imported services", "", Scope{Partition: q.Partition}, "")
}
