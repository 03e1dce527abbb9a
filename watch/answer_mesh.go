package watch

import "time"

// CARoot is one root of the mesh's certificate authority.
type CARoot struct {
	ID        string
	Name      string
	PEM       string
	Active    bool
	NotBefore *time.Time
	NotAfter  *time.Time
	// DaysRemaining until NotAfter, which newer versions of Consul tell.
	DaysRemaining *int
	CreateIndex   uint64
	ModifyIndex   uint64
}

// LeafCertificate is how a service proves in the mesh who it is.
type LeafCertificate struct {
	SerialNumber  string
	CertPEM       string
	PrivateKeyPEM string // a secret
	Service       string
	ServiceURI    string
	ValidAfter    time.Time
	ValidBefore   time.Time
	CreateIndex   uint64
	ModifyIndex   uint64
}

// Partition is an admin partition.
type Partition struct {
	Name        string
	Description string
}

// Peering is the connection to another cluster.
type Peering struct {
	ID                  string
	Name                string
	Partition           string
	Meta                map[string]string
	State               string
	PeerID              string
	PeerServerName      string
	PeerServerAddresses []string
	Stream              PeeringStream
	RemotePartition     string
	RemoteDatacenter    string
}

// PeeringStream is what flows over a peering. Times are nil until something did.
type PeeringStream struct {
	ImportedServices []string
	ExportedServices []string
	LastHeartbeat    *time.Time
	LastReceive      *time.Time
	LastSend         *time.Time
}

// ExportedService is a service that others may see.
type ExportedService struct {
	Service    string
	Peers      []string
	Partitions []string
}

// ImportedService is a service of others.
type ImportedService struct {
	Service         string
	Namespace       string
	SourcePartition string
}
