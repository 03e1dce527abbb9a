package lb

import "github.com/sluiceproxy/sluice/lb/tags"

// rewritePath changes the path as the route says.
func rewritePath(x *Exchange) error {
	for _, step := range x.Route.Path {
		if err := applyPathStep(x, step); err != nil {
			return err
		}
	}
	return nil
}

// applyPathStep makes one of a route's changes to the path, and tells the
// upstream of what was cut.
func applyPathStep(x *Exchange, step tags.PathStep) error {
	if step.Add != "" {
		return x.AddPrefix(step.Add)
	}
	if step.Forwarded == tags.SetForwardedPrefix && len(step.Strip) > 0 {
		x.Header.Set("X-Forwarded-Prefix", step.Strip[0])
	}
	for _, prefix := range step.Strip {
		cut, err := x.StripPrefix(prefix)
		if err != nil {
			return err
		}
		if cut {
			if step.Forwarded == tags.AddForwardedPrefix {
				appendTo(&x.Header, "X-Forwarded-Prefix", prefix)
			}
			return nil
		}
	}
	return nil
}
