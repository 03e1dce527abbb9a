package tags

import (
	"fmt"
	"iter"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/unixsock"
)

// Commands are changes of Fabio routes in the language of Fabio's manual
// routes, in the order in which they are applied:
//
//	route add SERVICE SRC DST [weight W] [tags "T,…"] [opts "K=V …"]
//	route del SERVICE [SRC [DST]]
//	route del [SERVICE] tags "T,…"
//	route weight [SERVICE] SRC weight W [tags "T,…"]
//
// They are immutable. They are applied to the routes of one service after the
// other, and what becomes of one depends on no other.
type Commands struct {
	all []command
	// The places of those that name a service, and of those for any. Of thousands,
	// for thousands of services, not each is looked at for each.
	own map[string][]int
	any []int
	// added are the services that routes are added of, sorted.
	added []string
}

// CommandList are commands of one text, for [Join].
type CommandList []command

type command struct {
	number  int    // from 1, of all commands
	line    string // as written
	verb    string
	service string // empty: any
	src     fabioSource
	hasSrc  bool
	dst     string // see destination; empty: any
	share   float64
	tags    []string
	// What "add" adds.
	tag     fabioTag
	address string
	port    int
	socket  string // in place of both
}

// maxLine bounds the lines of commands, in bytes.
const maxLine = 16 << 10

// ParseCommands reads a text of commands, one a line. Blank lines and those that
// start with # or // are comments. What cannot be understood is a problem, and
// the other lines stand; source names the text.
func (o Options) ParseCommands(source, text string) (commands CommandList, problems []Problem) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		c, err := o.parseCommand(line)
		if err != nil {
			shown := line[:min(len(line), maxShown)]
			problems = append(problems, Problem{
				Source: fmt.Sprintf("%s, line %d", source, number), Service: c.service, Instances: 1,
				Tag: shown, Offset: min(err.offset, len(shown)), Reason: err.reason, Hint: err.hint,
			})
			continue
		}
		commands = append(commands, c)
	}
	return commands, problems
}

// maxShown is how much of a line is shown, in bytes.
const maxShown = 200

// Join is the commands of all lists, in that order, to be applied.
func Join(lists ...CommandList) Commands {
	joined := Commands{all: slices.Concat(lists...), own: map[string][]int{}}
	for i := range joined.all {
		c := &joined.all[i]
		if c.number = i + 1; c.service == "" {
			joined.any = append(joined.any, i)
			continue
		}
		joined.own[c.service] = append(joined.own[c.service], i)
		if c.verb == "add" {
			joined.added = append(joined.added, c.service)
		}
	}
	slices.Sort(joined.added)
	joined.added = slices.Clip(slices.Compact(joined.added))
	return joined
}

// Services are those the commands add routes of, sorted.
func (c Commands) Services() []string { return c.added }

// Concern reports whether the routes of a service may be others with these
// commands than without.
func (c Commands) Concern(service string) bool { return len(c.any)+len(c.own[service]) > 0 }

// of yields those that concern a service, in their order.
func (c Commands) of(service string) iter.Seq[*command] {
	return func(yield func(*command) bool) {
		own, others := c.own[service], c.any
		for len(own)+len(others) > 0 {
			next := &own
			if len(own) == 0 || len(others) > 0 && others[0] < own[0] {
				next = &others
			}
			if !yield(&c.all[(*next)[0]]) {
				return
			}
			*next = (*next)[1:]
		}
	}
}

func (o Options) parseCommand(line string) (c command, err *fabioError) {
	if len(line) > maxLine {
		return c, &fabioError{maxLine, fmt.Sprintf("the line has more than %d bytes", maxLine), ""}
	}
	r := reader{words: splitCommand(line), end: len(line)}
	c.line = line
	if r.next() != "route" {
		return c, &fabioError{0, "the line does not start with route", "route add, route del or route weight; comments start with #"}
	}
	switch c.verb = r.next(); c.verb {
	case "add":
		err = c.parseAdd(o, &r)
	case "del":
		err = c.parseDel(o, &r)
	case "weight":
		err = c.parseWeight(o, &r)
	case "":
		return c, &fabioError{r.at, "the line ends behind route", "route add, route del or route weight"}
	default:
		return c, &fabioError{r.at, "there is no command route " + c.verb, "route add, route del or route weight"}
	}
	if err == nil && r.more() {
		err = &fabioError{r.words[0].at, "the line should end here", ""}
	}
	return c, err
}

func (c *command) parseAdd(o Options, r *reader) *fabioError {
	c.service = r.next()
	src, at := r.next(), r.at
	dst := r.next()
	if dst == "" {
		return &fabioError{r.at, "a service, a source and a destination are needed", "route add SERVICE HOST/PATH http://ADDRESS:PORT/"}
	}
	dstAt := r.at
	weight, err := r.weight()
	if err != nil {
		return err
	}
	if c.tags, err = r.tags(); err != nil {
		return err
	}
	opts, optsAt := "", 0
	if r.skip("opts") {
		if opts, optsAt, err = r.quoted(); err != nil {
			return err
		}
	}
	return c.add(o, fabioWord{src, at}, fabioWord{dst, dstAt}, fabioWord{opts, optsAt}, weight)
}

// add takes in the parts of an added route.
func (c *command) add(o Options, src, dst, opts fabioWord, weight float64) (err *fabioError) {
	if c.src, err = o.parseFabioSource(src.text); err != nil {
		err.offset = src.at + min(err.offset, len(src.text))
		return err
	}
	c.tag.src, c.tag.share = c.src, max(0, weight)
	u, fault := url.Parse(dst.text)
	c.socket, _ = unixsock.Path(dst.text)
	if fault != nil || u.Host == "" && c.socket == "" {
		return &fabioError{dst.at, "the destination is not a URL", "http://ADDRESS:PORT/"}
	}
	for _, option := range splitFabio(opts.text) {
		text := option.text
		if strings.HasPrefix(text, "redirect=") && !strings.Contains(text, ",") {
			text += "," + dst.text
		}
		if err := c.tag.option(text); err != nil {
			err.offset = opts.at + option.at
			return err
		}
	}
	if c.tag.closeIfNeeded(opts.text); c.tag.closed != nil {
		c.tag.closed.offset += opts.at
	}
	proto := c.tag.proto // of a socket, the destination tells nothing of it
	c.dst, c.tag.proto = destination(dst.text), ""
	if c.socket != "" {
		c.tag.proto = proto
	} else if c.tag.redirect.Code == 0 {
		if err := c.target(u); err != nil {
			err.offset = dst.at
			return err
		}
	}
	if err := c.tag.check(); err != nil {
		err.offset = src.at
		return err
	}
	return nil
}

// target takes in the destination, whose scheme counts for more than an option.
func (c *command) target(u *url.URL) *fabioError {
	switch u.Scheme {
	case "http":
	case "https", "grpc", "grpcs", "tcp", "udp":
		c.tag.proto = u.Scheme
	default:
		return &fabioError{0, "a destination of scheme " + u.Scheme + " is not supported", "http, https, grpc, grpcs, tcp or udp"}
	}
	c.tag.query, c.address, c.port = u.RawQuery, u.Hostname(), portOf(u)
	switch {
	case c.address == "":
		return &fabioError{0, "the destination has no address", "http://ADDRESS:PORT/"}
	case c.port == 0 && u.Port() != "":
		return &fabioError{0, "the destination's port is not a number from 1 to 65535", "http://ADDRESS:PORT/"}
	case c.port == 0:
		return &fabioError{0, "the destination has no port", "http://ADDRESS:PORT/"}
	}
	return nil
}

// portOf is 0 if there is none, or none that could be.
func portOf(u *url.URL) int {
	if text := u.Port(); text != "" {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return 0 // else it would be the largest one
		}
		return int(port)
	}
	return map[string]int{"http": 80, "https": 443}[u.Scheme]
}

func (c *command) parseDel(o Options, r *reader) (err *fabioError) {
	if !r.is("tags") {
		c.service = r.next()
	}
	if c.service != "" && !r.is("tags") && r.more() {
		if err := c.source(o, r); err != nil {
			return err
		}
		if r.more() {
			c.dst = destination(r.next())
		}
		return nil
	}
	if c.tags, err = r.tags(); err == nil && c.service == "" && len(c.tags) == 0 {
		err = &fabioError{r.end, "neither a service nor tags are named", `route del SERVICE or route del tags "TAG"`}
	}
	return err
}

func (c *command) parseWeight(o Options, r *reader) (err *fabioError) {
	// With one word in front of "weight" it is the source, with two the service
	// and the source.
	if len(r.words) > 1 && r.words[1].text != "weight" {
		c.service = r.next()
	}
	if err := c.source(o, r); err != nil {
		return err
	}
	if !r.is("weight") {
		return &fabioError{r.end, "there is no weight", "route weight SERVICE HOST/PATH weight 0.3"}
	}
	if c.share, err = r.weight(); err != nil {
		return err
	}
	c.share = max(0, c.share)
	if c.tags, err = r.tags(); err == nil && c.service == "" && len(c.tags) == 0 {
		err = &fabioError{r.end, "without a service, tags are needed", `route weight HOST/PATH weight 0.3 tags "TAG"`}
	}
	return err
}

func (c *command) source(o Options, r *reader) (err *fabioError) {
	text := r.next()
	if text == "" {
		return &fabioError{r.end, "the source is missing", "HOST/PATH"}
	}
	c.hasSrc = true
	if c.src, err = o.parseFabioSource(text); err != nil {
		err.offset = r.at + min(err.offset, len(text))
	}
	return err
}

// destination is the part of a destination that identifies a target.
func destination(text string) string {
	if path, ok := unixsock.Path(text); ok {
		return unixsock.Prefix + path
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	if port := portOf(u); port > 0 {
		return strings.ToLower(u.Scheme + "://" + net.JoinHostPort(u.Hostname(), strconv.Itoa(port)))
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// apply changes the routes of the parser's service.
func (c Commands) apply(p *parser, routes *fabioRoutes) {
	for c := range c.of(p.Service) {
		switch c.verb {
		case "add":
			target := fabioTarget{
				Instance: Instance{ID: c.dst, Address: c.address, Port: c.port, Socket: c.socket, Serving: true},
				share:    c.tag.share, tags: c.tags,
			}
			if routes.add(c.tag, c.line, target) == tooManyRoutes {
				p.tooMany(target.Instance, MaxRoutes)
			}
			if c.tag.closed != nil {
				p.problem(target.Instance, Problem{Tag: c.line, Offset: c.tag.closed.offset, Reason: c.tag.closed.reason, Hint: c.tag.closed.hint})
			}
		case "del":
			for _, r := range *routes {
				r.targets = slices.DeleteFunc(r.targets, func(t fabioTarget) bool { return c.selects(r, t) })
			}
			*routes = slices.DeleteFunc(*routes, func(r *fabioRoute) bool { return len(r.targets) == 0 })
		case "weight":
			for _, r := range *routes {
				for i := range r.targets {
					if t := &r.targets[i]; c.selects(r, *t) {
						t.share, t.split = c.share, int32(c.number) //nolint:gosec // there are not so many lines
					}
				}
			}
		}
	}
}

// selects reports whether a command means a target of a route.
func (c *command) selects(r *fabioRoute, t fabioTarget) bool {
	if c.hasSrc && !c.src.is(r.tag.src) {
		return false
	}
	if c.dst != "" {
		url := r.tag.scheme() + "://" + net.JoinHostPort(t.Address, strconv.Itoa(t.Port))
		if t.Socket != "" {
			url = destination(unixsock.Prefix + t.Socket)
		}
		if c.dst != url && c.dst != t.ID {
			return false
		}
	}
	return !slices.ContainsFunc(c.tags, func(tag string) bool { return !slices.Contains(t.tags, tag) })
}
