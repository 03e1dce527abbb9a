package tags

// Problem is a tag, or a set of tags, that cannot be honoured. It never holds
// a secret: where a tag's value may be one, Tag holds its key only.
type Problem struct {
	Service string
	// Instance and Node name one instance that has the tag; Instances is how many
	// have it with the same result.
	Instance  string
	Node      string
	Instances int
	// Source names the text the problem is in, if it is not a tag: "key fabio/config,
	// line 3".
	Source string
	// Route is the name of the route the problem keeps out, or clients from, or empty
	// if none is.
	Route string
	// Tag is the tag as registered, or the line of Source.
	Tag string
	// Offset is the byte in Tag at which the fault was found, or -1.
	Offset int
	// Reason says what is wrong, Hint how to put it right, if that is known.
	Reason string
	Hint   string
}

// Error makes a Problem usable as an error in one line.
func (p Problem) Error() string {
	text := "service " + p.Service
	switch {
	case p.Source != "":
		text = p.Source
	case p.Tag != "":
		text += ": tag \"" + p.Tag + "\""
	}
	text += ": " + p.Reason
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// Problem is one with the declaration as a whole.
func (d *Declaration) Problem(reason, hint string) Problem {
	return Problem{
		Service: d.Service, Instance: d.Instance, Node: d.Node, Instances: int(d.Origin.Instances),
		Source: d.Source, Route: d.Name, Tag: d.Tag, Offset: -1, Reason: reason, Hint: hint,
	}
}
