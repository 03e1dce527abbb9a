package tags

// Instance is one running copy of a service, reduced to what tags can mean.
// The slices and maps are shared and not changed.
type Instance struct {
	// ID is unique together with Node.
	ID         string
	Node       string
	Datacenter string
	Namespace  string // empty is "default"
	// Address is where the instance is reached, never empty for one that can be
	// used; Port is 0 if it has none.
	Address string
	Port    int
	// Socket is the path of a socket on its node that it is reached by, if it has no
	// port.
	Socket string
	Tags   []string
	Meta   map[string]string
	// Zone is where the instance is, empty if that is not known.
	Zone string
	// Weight is the catalog's part of the traffic for it in its state of health,
	// relative to the other instances; 0 is 1.
	Weight int
	// Serving is set when the instance's health allows traffic to it, Retired when
	// somebody has said that it must get none.
	Serving bool
	Retired bool
	// Registered orders instances by age: a later registration has a higher
	// number.
	Registered uint64
}
