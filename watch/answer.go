package watch

// ServiceTags is one line of the catalog's service list: a name and the union
// of the tags of its instances, in the source's order.
type ServiceTags struct {
	Name string
	Tags []string
}

// Instance is one running copy of a service. Instances in a snapshot are
// shared and must not be changed, nor may the slices and maps in them.
type Instance struct {
	Node    NodeInfo
	Service ServiceInfo
	// Checks are the node's and the service's own, in the source's order.
	Checks []Check
}

// ServiceInfo is the registration of one instance.
type ServiceInfo struct {
	ID   string
	Name string
	Tags []string
	Meta map[string]string
	// Address is as registered and often empty: the node's counts then. See
	// [Instance.Address].
	Address         string
	TaggedAddresses map[string]ServiceAddress
	Port            int
	// SocketPath is where it is reached on its node, if it has no port.
	SocketPath string
	Weights    Weights
	// Kind is empty for an ordinary service, else "connect-proxy",
	// "mesh-gateway", …
	Kind              string
	EnableTagOverride bool
	Namespace         string
	Partition         string
	Peer              string
	CreateIndex       uint64
	ModifyIndex       uint64
}

// ServiceAddress is one named address of an instance.
type ServiceAddress struct {
	Address string
	Port    int
}

// Weights are the DNS weights of an instance; Consul's default is 1 and 1.
type Weights struct {
	Passing int
	Warning int
}

// NodeInfo is one member of the cluster.
type NodeInfo struct {
	ID              string
	Name            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	Meta            map[string]string
}

// NodeServices is a node with what is registered on it.
type NodeServices struct {
	Node     NodeInfo
	Services []ServiceInfo
}

// Check is one health check of a node (ServiceID empty) or of a service.
type Check struct {
	Node        string
	ID          string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string
	ServiceTags []string
	Type        string
	Namespace   string
	Partition   string
	Peer        string
	ExposedPort int
	Definition  *CheckDefinition // nil if the source does not tell
	CreateIndex uint64
	ModifyIndex uint64
}

// Pair is one entry of the KV store.
type Pair struct {
	Key         string
	Value       string
	Flags       uint64
	Session     string
	CreateIndex uint64
	ModifyIndex uint64
	LockIndex   uint64
}

// Health states in Consul's words. Maintenance is not stored as a status: it
// is what a check with a reserved ID means.
const (
	Passing     = "passing"
	Warning     = "warning"
	Critical    = "critical"
	Maintenance = "maintenance"
)

// Address is where the instance is reached: its own address, or the node's
// when it registered none.
func (i Instance) Address() string {
	if i.Service.Address != "" {
		return i.Service.Address
	}
	return i.Node.Address
}

// Status is the worst state of the instance's checks: maintenance before
// critical before warning before passing. No checks at all is passing.
func (i Instance) Status() string { return AggregateStatus(i.Checks) }

// AggregateStatus is the worst state of a set of checks; see [Instance.Status].
func AggregateStatus(checks []Check) string {
	worst := Passing
	for _, c := range checks {
		switch {
		case isMaintenance(c.ID):
			return Maintenance
		case c.Status == Critical:
			worst = Critical
		case c.Status == Warning && worst == Passing:
			worst = Warning
		}
	}
	return worst
}

// IDs reserved by Consul for `consul maint`.
func isMaintenance(checkID string) bool {
	const node, service = "_node_maintenance", "_service_maintenance:"
	return checkID == node || len(checkID) > len(service) && checkID[:len(service)] == service
}
