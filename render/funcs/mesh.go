package funcs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// CARoot is one root of the mesh's certificate authority.
type CARoot struct {
	ID            string
	Name          string
	RootCertPEM   string `json:"RootCert"`
	Active        bool
	NotBefore     *time.Time `json:",omitempty"`
	NotAfter      *time.Time `json:",omitempty"`
	DaysRemaining *int       `json:",omitempty"`
	CreateIndex   uint64
	ModifyIndex   uint64
}

// LeafCert is the certificate and the key of a service in the mesh.
type LeafCert struct {
	SerialNumber  string
	CertPEM       string `json:",omitempty"`
	PrivateKeyPEM string `json:",omitempty"`
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

// ExportedService is a service that other clusters or partitions may see.
type ExportedService struct {
	Service   string
	Partition string
	Namespace string
	Consumers Consumers
}

// Consumers are who may see a service.
type Consumers struct {
	Peers      []string
	Partitions []string
}

// ImportedService is a service of others that is seen here.
type ImportedService struct {
	Service         string
	Namespace       string
	SourcePartition string
}

// caRoots lists the roots of the mesh; nil until an answer has come.
func (b *Binding) caRoots() []*CARoot {
	answer, _ := recall(b, watch.CARoots{})
	var roots []*CARoot
	for _, r := range answer {
		roots = append(roots, &CARoot{
			ID:            r.ID,
			Name:          r.Name,
			RootCertPEM:   r.PEM,
			Active:        r.Active,
			NotBefore:     r.NotBefore,
			NotAfter:      r.NotAfter,
			DaysRemaining: r.DaysRemaining,
			CreateIndex:   r.CreateIndex,
			ModifyIndex:   r.ModifyIndex,
		})
	}
	return roots
}

// caLeaf has a certificate made out to a service, a *LeafCert; nil until an
// answer has come.
func (b *Binding) caLeaf(args ...string) any {
	service := strings.Join(args, "")
	if service == "" {
		return nil
	}
	leaf, known := recall(b, watch.CALeaf{Service: service})
	if !known {
		return nil
	}
	return (*LeafCert)(leaf)
}

// partitions lists the admin partitions by name.
func (b *Binding) partitions() []*Partition {
	answer, _ := recall(b, watch.Partitions{})
	partitions := make([]*Partition, 0, len(answer))
	for _, p := range answer {
		partitions = append(partitions, (*Partition)(&p))
	}
	slices.SortStableFunc(partitions, func(a, b *Partition) int { return cmp.Compare(a.Name, b.Name) })
	return partitions
}

// exportedServices lists by name what a partition lets others see.
func (b *Binding) exportedServices(args ...string) ([]ExportedService, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("exportedServices: %d arguments given, want at most 1", len(args))
	}
	answer, _ := recall(b, watch.ExportedServices{Partition: strings.Join(args, "")})
	services := make([]ExportedService, 0, len(answer))
	for _, s := range answer {
		services = append(services, ExportedService{
			Service:   s.Service,
			Consumers: Consumers{Peers: append([]string{}, s.Peers...), Partitions: append([]string{}, s.Partitions...)},
		})
	}
	slices.SortStableFunc(services, func(a, b ExportedService) int { return cmp.Compare(a.Service, b.Service) })
	return services, nil
}

// importedServices lists by name what a partition sees of others.
func (b *Binding) importedServices(partition string) ([]ImportedService, error) {
	if partition == "" {
		return nil, fmt.Errorf("importedServices: the partition is empty")
	}
	answer, _ := recall(b, watch.ImportedServices{Partition: partition})
	services := make([]ImportedService, 0, len(answer))
	for _, s := range answer {
		services = append(services, ImportedService(s))
	}
	slices.SortStableFunc(services, func(a, b ImportedService) int { return cmp.Compare(a.Service, b.Service) })
	return services, nil
}
