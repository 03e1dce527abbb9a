package main

import (
	"slices"
	"syscall"
	"time"
)

// Config is everything that can be set, by files, flags and environment
// variables; tags name the keys of files. [commandLine.Load] puts it together,
// after which what a template inherits from the top level is in the template,
// and its Optionals are set.
type Config struct {
	Consul  Consul  `hcl:"consul"`
	Catalog Catalog `hcl:"catalog"`

	Templates []Template `hcl:"template,accumulate"`
	// Wait is the quiet time for templates without their own.
	Wait              Wait       `hcl:"wait"`
	DefaultDelimiters Delimiters `hcl:"default_delimiters"`
	// TemplateErrorFatal is error_fatal for templates without their own.
	TemplateErrorFatal bool `hcl:"template_error_fatal"`
	Once               bool `hcl:"once"`

	LB    LB    `hcl:"lb"`
	Tags  Tags  `hcl:"tags"`
	Admin Admin `hcl:"admin"`

	LogLevel  Optional[LogLevel] `hcl:"log_level"`
	LogFormat string             `hcl:"log_format"` // "text" or "json"

	KillSignal   Signal `hcl:"kill_signal"`
	ReloadSignal Signal `hcl:"reload_signal"`
	PIDFile      string `hcl:"pid_file"`

	// MaxStale is how far behind the leader an answer of Consul may be.
	MaxStale time.Duration `hcl:"max_stale"`
	// BlockQueryWait is how long Consul may hold a blocking query.
	BlockQueryWait time.Duration `hcl:"block_query_wait"`

	// errorFatalForced makes TemplateErrorFatal beat the templates' own.
	errorFatalForced bool

	Vault             later `hcl:"vault"`
	Nomad             later `hcl:"nomad"`
	Exec              later `hcl:"exec"`
	Deduplicate       later `hcl:"deduplicate"`
	Syslog            later `hcl:"syslog"`
	LogFile           later `hcl:"log_file"`
	ErrOnFailedLookup later `hcl:"err_on_failed_lookup"`
	ParseOnly         later `hcl:"parseonly"`
}

// Catalog is the embedded catalog, which takes the place of Consul.
type Catalog struct {
	// Path is a folder of service definitions. Empty: Consul is asked.
	Path string `hcl:"path"`
	// Address is that of services which are registered without one.
	Address string `hcl:"address"`
}

// LB is the load balancer; it runs when it has a listener.
type LB struct {
	Listeners []Listener `hcl:"listener,alias=listen"`
	// DrainTimeout is how long running requests are given at the end.
	DrainTimeout time.Duration `hcl:"drain_timeout"`
	// TrustedProxies are the addresses and CIDR blocks of peers whose
	// forwarding headers are believed.
	TrustedProxies []string `hcl:"trusted_proxies"`
}

// Tags says how service tags are read.
type Tags struct {
	// ExposedByDefault routes services that do not ask for it by a tag.
	ExposedByDefault bool   `hcl:"exposed_by_default"`
	FabioPrefix      string `hcl:"fabio_prefix"`
	TraefikPrefix    string `hcl:"traefik_prefix"`
	// Dialects are the tag languages that are read; see dialects.
	Dialects []string `hcl:"dialects"`
}

// dialects are the tag languages there are, all of them on by default.
var dialects = []string{"fabio", "traefik1", "traefik"}

// Admin is the administration listener.
type Admin struct {
	// Listen is host:port, unix:///path or "off". Empty: on
	// [defaultAdminAddress] when the load balancer runs, else off; never empty
	// after Load.
	Listen string `hcl:"listen"`
	// Hosts are further names the listener may be called by.
	Hosts []string `hcl:"hosts"`
}

const (
	adminOff            = "off"
	defaultAdminAddress = "127.0.0.1:9998"
)

// DefaultConfig is what holds where nothing is said.
func DefaultConfig() Config {
	return Config{
		Consul: Consul{
			Mode:           "stale",
			MaxConnections: 64,
			Retry: Retry{
				Enabled:    true,
				Attempts:   12,
				Backoff:    250 * time.Millisecond,
				MaxBackoff: time.Minute,
			},
		},
		Catalog:            Catalog{Address: "127.0.0.1"},
		DefaultDelimiters:  Delimiters{Left: "{{", Right: "}}"},
		TemplateErrorFatal: true,
		LB:                 LB{DrainTimeout: 30 * time.Second},
		Tags: Tags{
			FabioPrefix:   "urlprefix-",
			TraefikPrefix: "traefik",
			Dialects:      slices.Clone(dialects),
		},
		LogFormat:      "text",
		KillSignal:     Signal(syscall.SIGINT),
		ReloadSignal:   Signal(syscall.SIGHUP),
		MaxStale:       2 * time.Second,
		BlockQueryWait: time.Minute,
	}
}
