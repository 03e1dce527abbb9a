package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const usageHead = `Usage: sluice [flags]
       sluice validate|routes|explain|migrate|version [flags]

sluice watches Consul and turns what it learns into config files, made from
templates, and into live traffic, routed by the tags of services.

  sluice -template "in.ctmpl:out.conf:nginx -s reload"
  sluice -lb :9999
  sluice -lb :9999 -catalog ./consul.d     without Consul
  sluice -config sluice.hcl                both, and everything else

  validate   check configuration files and templates, then exit
  routes     list the routes and problems of the sluice that runs here
  explain    say where a request to a URL would go, and why
  migrate    write the configuration that stands for Fabio's or Traefik's
  version    print the version
`

const usageHeadOfOther = `Usage: consul-template [flags]

This is sluice in the place of consul-template: it keeps files as their
templates and Consul say.

  consul-template -template "in.ctmpl:out.conf:nginx -s reload"
  consul-template -config consul-template.hcl
`

func (p program) writeUsage() error {
	head := usageHead
	if p.name != ourName {
		head = usageHeadOfOther
	}
	return writeUsage(p.stdout, head)
}

// writeUsage prints the help, less than 80 columns wide.
func writeUsage(w io.Writer, head string) error {
	var b strings.Builder
	b.WriteString(head)
	for _, group := range flagGroups() {
		b.WriteString("\n" + group.title + ":\n")
		for _, f := range group.flags {
			f.write(&b)
		}
	}
	b.WriteString("\nDurations are written 250ms, 5s, 1m30s. Booleans take -flag or -flag=false.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// write prints a flag and, at a fixed column, what it does: in the same line if
// the flag is short enough.
func (f flagSpec) write(b *strings.Builder) {
	const column, width = 30, 79
	head := strings.TrimRight("  -"+f.name+" "+f.value, " ")
	lines := wrap(f.help, width-column)
	if n := utf8.RuneCountInString(head); n <= column-2 {
		head += strings.Repeat(" ", column-n) + lines[0]
		lines = lines[1:]
	}
	fmt.Fprintln(b, head)
	for _, line := range lines {
		fmt.Fprintln(b, strings.Repeat(" ", column)+line)
	}
}

// wrap breaks text between words into lines of at most width characters; a
// longer word has a line of its own.
func wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
