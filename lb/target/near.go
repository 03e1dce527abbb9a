package target

// Circles is how many circles of members there are: the nearest, those that are near,
// and all others.
const Circles = 3

// Near prefers members that are near: those of the first circle in which enough are
// well, and of the circles inside it. The zero value has all members alike.
type Near struct {
	// Healthy is how many have to be well, in percent of those there would be.
	Healthy int
	// Known counts who is in each circle but the last, with those of whom the catalog
	// says that they are not well, who are no members.
	Known [Circles - 1]int
}

// farthest is the last circle.
const farthest uint8 = Circles - 1

// scope is which members may be picked at a moment.
type scope struct {
	circle uint8 // and those inside it
	panic  bool  // in which their health is of no account
}

// everywhere is the scope of all members that are well.
var everywhere = scope{circle: farthest}

// scope is that of the circle that has enough members. One that has not is left at
// once and as a whole, so that the few that are left are not overrun.
func (p *Pool) scope() scope {
	if p.policy.Near.Healthy == 0 {
		return everywhere
	}
	well, known := 0, 0
	for circle := range farthest {
		known += p.policy.Near.Known[circle]
		for i := range p.members {
			if m := &p.members[i]; m.circle == circle && p.takes(m, everywhere) {
				well++
			}
		}
		if well > 0 && well*100 >= known*p.policy.Near.Healthy {
			return scope{circle: circle}
		}
	}
	return everywhere
}

// Reach is the farthest circle that is picked from at the moment.
func (p *Pool) Reach() uint8 { return p.scope().circle }

// Spills reports whether members are picked that are not near, for want of those that
// are.
func (p *Pool) Spills() bool { return p.policy.Near.Healthy > 0 && p.Reach() == farthest }
