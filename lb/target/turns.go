package target

// Turns lays out a weighted round robin: the indexes of weights in the order of
// their turns, which is repeated for ever and is empty if nothing weighs anything.
func Turns(weights []int) []int32 { return turns(weights) }

// HasOpen reports whether there is a member that may be picked.
func (p *Pool) HasOpen() bool {
	now := p.now()
	for i, m := range p.members {
		if m.Weight > 0 && p.isOpen(i, now) {
			return true
		}
	}
	return false
}
