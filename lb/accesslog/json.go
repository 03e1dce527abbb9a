package accesslog

import "strings"

// member is a member of a JSON line.
type member struct {
	name  string
	value value
	// always says that it is shown unless it is named.
	always bool
}

// headerSet is one of the header sections of an entry.
type headerSet struct {
	name string // of the member, or what comes before the names of fields
	of   func(e *Entry) Header
}

// headerLayout says how JSON lines show header fields.
type headerLayout struct {
	sets []headerSet
	// nested puts the fields of each set into an object of its own.
	nested bool
}

// ownMembers are the members of the format json.
func ownMembers() []member {
	return []member{
		{name: "time", value: startUTC("2006-01-02T15:04:05.000000Z")},
		{name: "entrypoint", value: entrypoint},
		{name: "remote_ip", value: remoteHost},
		{name: "remote_port", value: value{plain: remotePort.plain, number: true}},
		{name: "user", value: user},
		{name: "protocol", value: protocol},
		{name: "method", value: method},
		{name: "scheme", value: scheme},
		{name: "host", value: authority},
		{name: "path", value: path},
		{name: "query", value: query},
		{name: "line", value: line},
		{name: "user_agent", value: userAgent},
		{name: "referer", value: referer},
		{name: "status", value: status},
		{name: "duration_ms", value: value{number: true, plain: func(dst []byte, e *Entry) []byte {
			return appendDecimal(dst, int64(e.Duration), 6, 3)
		}}},
		{name: "request_bytes", value: received},
		{name: "response_bytes", value: sent},
		{name: "route", value: route},
		{name: "dialect", value: dialect},
		{name: "service", value: service},
		{name: "tries", value: tries},
		{name: "target", value: targetServer},
		{name: "target_path", value: targetPath},
		{name: "target_status", value: targetStatus},
		{name: "target_wait_ms", value: targetWaitMs},
		{name: "target_took_ms", value: targetTookMs},
		{name: "tls_version", value: tlsVersion},
		{name: "tls_cipher", value: tlsCipher},
		{name: "tls_client", value: tlsSubject},
		{name: "trace_id", value: traceID},
		{name: "span_id", value: spanID},
		{name: "error", value: failure},
		{name: "truncated", value: truncated},
	}
}

var ownHeaders = headerLayout{nested: true, sets: []headerSet{
	{"request_headers", func(e *Entry) Header { return e.Header }},
	{"target_headers", func(e *Entry) Header { return e.TargetHeader }},
	{"response_headers", func(e *Entry) Header { return e.Answer }},
}}

// jsonMember is a member that is shown.
type jsonMember struct {
	value
	key    string // ,"name":
	redact bool
}

// compileJSON makes the format of JSON lines.
func (f *Format) compileJSON(members []member, layout headerLayout, fields, headers modeSet) error {
	names := func(yield func(string) bool) {
		for _, m := range members {
			if !yield(m.name) {
				return
			}
		}
	}
	if err := fields.only("fields", names); err != nil {
		return err
	}
	var shown []jsonMember
	for _, m := range members {
		mode := fields.of(m.name)
		if _, named := fields.explicit(m.name); m.always && !named {
			mode = keep
		}
		if m.value.header != "" && mode == keep {
			mode = headers.shown(m.value.header) // that list can hide it too
		}
		if mode == drop {
			continue
		}
		shown = append(shown, jsonMember{m.value, key(m.name), mode == redact})
		f.headers = f.headers || m.value.header != ""
	}
	h := newHeaderWriter(layout, headers)
	if h.any() {
		f.headers, f.answers = true, true
	}
	f.append = func(dst []byte, e *Entry) []byte {
		begin := len(dst)
		for i := range shown {
			dst = shown[i].append(dst, e)
		}
		dst = h.append(dst, e)
		if len(dst) == begin {
			return append(dst, "{}"...)
		}
		dst[begin] = '{' // in place of a comma
		return append(dst, '}')
	}
	return nil
}

// key is what comes before a value. Names are ours: plain words.
func key(name string) string { return `,"` + name + `":` }

// append appends the member, or nothing if there is no value.
func (m *jsonMember) append(dst []byte, e *Entry) []byte {
	begin := len(dst)
	dst = append(dst, m.key...)
	if !m.number {
		dst = append(dst, '"')
	}
	before := len(dst)
	dst = m.value.append(dst, e, inJSON)
	switch {
	case len(dst) == before:
		return dst[:begin]
	case m.redact:
		return append(append(dst[:begin], m.key...), `"`+redacted+`"`...)
	case !m.number:
		dst = append(dst, '"')
	}
	return dst
}

// headerWriter shows header fields in JSON lines.
type headerWriter struct {
	headerLayout
	modes modeSet
	named []string // those that are shown, if others are dropped
}

func newHeaderWriter(layout headerLayout, modes modeSet) *headerWriter {
	h := &headerWriter{headerLayout: layout, modes: modes}
	for _, n := range modes.named {
		if n.mode != drop {
			h.named = append(h.named, n.name)
		}
	}
	return h
}

func (h *headerWriter) any() bool { return h.modes.byDefault != drop || len(h.named) > 0 }

func (h *headerWriter) append(dst []byte, e *Entry) []byte {
	if !h.any() {
		return dst
	}
	for i := range h.sets {
		section := h.sets[i].of(e)
		if section == nil || section.Len() == 0 {
			continue
		}
		if !h.nested {
			dst = h.section(dst, section, h.sets[i].name)
			continue
		}
		begin := len(dst)
		dst = append(append(append(dst, `,"`...), h.sets[i].name...), `":`...)
		before := len(dst)
		if dst = h.section(dst, section, ""); len(dst) == before {
			dst = dst[:begin]
			continue
		}
		dst[before] = '{'
		dst = append(dst, '}')
	}
	return dst
}

// section appends the fields of one section that are shown, each once.
func (h *headerWriter) section(dst []byte, section Header, prefix string) []byte {
	for i := range section.Len() {
		name, _ := section.Line(i)
		m := h.modes.ofHeader(name)
		if m == drop || name == "" || seenBefore(section, i, name) {
			continue
		}
		dst = append(append(dst, `,"`...), prefix...)
		dst = append(appendCanonical(dst, name), `":"`...)
		if m == redact {
			dst = append(dst, redacted...)
		} else {
			dst = appendHeader(dst, section, name, inJSON)
		}
		dst = append(dst, '"')
	}
	return dst
}

func seenBefore(section Header, i int, name string) bool {
	for j := range i {
		if n, _ := section.Line(j); len(n) == len(name) && strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// appendCanonical appends the name of a field in the usual spelling: User-Agent.
func appendCanonical(dst []byte, name string) []byte {
	const most = 256
	name, _ = cutValue(name, most)
	begin, first := len(dst), true
	dst = appendJSON(dst, name)
	for i := begin; i < len(dst); i++ {
		switch c := dst[i]; {
		case c == '\\':
			return dst // no token: it stays as it came
		case first && 'a' <= c && c <= 'z':
			dst[i] -= 'a' - 'A'
		case !first && 'A' <= c && c <= 'Z':
			dst[i] += 'a' - 'A'
		}
		first = dst[i] == '-'
	}
	return dst
}
