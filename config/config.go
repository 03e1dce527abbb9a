// Package config is what can be set: its schema and defaults, where it comes from, what
// is wrong with it, and what it makes of itself for the packages that do the work.
package config

import (
	"slices"
	"syscall"
	"time"
)

// Program is what sluice calls itself.
const Program = "sluice"

// Config is everything that can be set, by files, flags and environment
// variables; tags name the keys of files. [Load] puts it together,
// after which what a template inherits from the top level is in the template,
// and its Optionals are set.
type Config struct {
	Consul  Consul  `hcl:"consul"`
	Catalog Catalog `hcl:"catalog"`
	Nomad   Nomad   `hcl:"nomad"`
	Vault   Vault   `hcl:"vault"`

	Templates []Template `hcl:"template,accumulate"`
	// Wait is the quiet time for templates without their own.
	Wait              Wait       `hcl:"wait"`
	DefaultDelimiters Delimiters `hcl:"default_delimiters"`
	// TemplateErrorFatal is error_fatal for templates without their own, and
	// OnCommandError likewise; see [Config.Alone] for what they are if not set.
	TemplateErrorFatal Optional[bool] `hcl:"template_error_fatal"`
	OnCommandError     string         `hcl:"on_command_error"`
	Groups             []Group        `hcl:"group,accumulate"`

	Once bool `hcl:"once"`
	// OnceTimeout is how long Once may take; 0 is for ever.
	OnceTimeout time.Duration `hcl:"once_timeout"`
	ParseOnly   bool          `hcl:"parse_only,alias=parseonly"`
	// ErrOnFailedLookup makes the absence of something a template needs an error.
	ErrOnFailedLookup bool `hcl:"err_on_failed_lookup"`
	// WatchFiles reads configuration and templates again when their files change.
	WatchFiles bool `hcl:"watch_files"`

	// Deduplicate lets few hosts ask for many.
	Deduplicate Deduplicate `hcl:"deduplicate"`

	// Exec is the program to supervise, if it has a command.
	Exec Exec `hcl:"exec"`

	LB    LB    `hcl:"lb"`
	Tags  Tags  `hcl:"tags"`
	Fabio Fabio `hcl:"fabio"`
	Admin Admin `hcl:"admin"`

	Routes         []StaticRoute      `hcl:"route,accumulate"`
	TCPRoutes      []StaticStream     `hcl:"tcp_route,accumulate"`
	UDPRoutes      []StaticStream     `hcl:"udp_route,accumulate"`
	Services       []StaticService    `hcl:"service,accumulate"`
	Middlewares    []Middleware       `hcl:"middleware,accumulate"`
	Transports     []ServersTransport `hcl:"transport,accumulate"`
	TCPTransports  []TCPTransport     `hcl:"tcp_transport,accumulate"`
	TCPServices    []StreamService    `hcl:"tcp_service,accumulate"`
	UDPServices    []StreamService    `hcl:"udp_service,accumulate"`
	TCPMiddlewares []TCPMiddleware    `hcl:"tcp_middleware,accumulate"`
	Defaults       Defaults           `hcl:"defaults"`
	Claims         []Claim            `hcl:"claim,accumulate"`
	Policies       []Policy           `hcl:"policy,accumulate"`

	LogLevel  Optional[LogLevel] `hcl:"log_level"`
	LogFormat string             `hcl:"log_format"` // "text" or "json"
	LogFile   LogFile            `hcl:"log_file"`
	Syslog    Syslog             `hcl:"syslog"`

	KillSignal   Signal `hcl:"kill_signal"`
	ReloadSignal Signal `hcl:"reload_signal"`
	PIDFile      string `hcl:"pid_file"`
	// ExitCodeOnStop is the exit status after the kill signal, 12 if not set.
	ExitCodeOnStop Optional[int] `hcl:"exit_code_on_stop"`

	// MaxStale is how far behind the leader an answer of Consul may be.
	MaxStale time.Duration `hcl:"max_stale"`
	// BlockQueryWait is how long Consul may hold a blocking query.
	BlockQueryWait time.Duration `hcl:"block_query_wait"`

	// version is that of the program, which tells it to those it asks.
	version string
	// Warnings are things to log that are no reason to stop.
	Warnings []string
	// FabioUI is set if sluice was started as Fabio.
	FabioUI *FabioUI
	Runtime Runtime
	// Followed are files and folders of Traefik's file provider that are read again when
	// they change, and unread is what could not be read of those.
	Followed []string
	Unread   []error
	// files are the paths it was read from.
	files []string
	// ErrorFatalForced makes TemplateErrorFatal beat the templates' own.
	ErrorFatalForced bool
}

// Catalog is the embedded catalog, which takes the place of Consul.
type Catalog struct {
	// Path is a folder of service definitions. Empty: Consul is asked.
	Path string `hcl:"path"`
	// Address is that of services which are registered without one.
	Address string `hcl:"address"`
	// None has no services at all: only what the configuration has itself is served.
	None bool `hcl:"none"`
}

// Tags says how service tags are read.
type Tags struct {
	// ExposedByDefault routes services that do not ask for it by a tag; false wants
	// enable=true even of those with routing tags.
	ExposedByDefault Optional[bool] `hcl:"exposed_by_default"`
	FabioPrefix      string         `hcl:"fabio_prefix"`
	// FabioPrefixes are further ones, which mean the same.
	FabioPrefixes []string `hcl:"fabio_prefixes"`
	TraefikPrefix string   `hcl:"traefik_prefix"`
	// Dialects are the tag languages that are read; see dialects.
	Dialects []string `hcl:"dialects"`
	// FromMeta reads tags from metadata of instances, too; see [tags.MetaKey].
	FromMeta bool `hcl:"from_meta"`

	Traefik TraefikTags `hcl:"traefik"`
}

// dialects are the tag languages there are, all of them on by default.
var dialects = []string{"fabio", "traefik1", "traefik"}

// DefaultConfig is what holds where nothing is said.
func DefaultConfig() Config {
	return Config{
		Consul: Consul{
			Mode:           "stale",
			MaxConnections: 64,
			Retry:          defaultRetry(),
		},
		Nomad:             Nomad{Retry: defaultRetry()},
		Vault:             defaultVault(),
		Catalog:           Catalog{Address: "127.0.0.1"},
		DefaultDelimiters: Delimiters{Left: "{{", Right: "}}"},
		LB:                LB{DrainTimeout: 30 * time.Second, Guard: defaultGuard(), AccessLog: AccessLog{Format: "json"}},
		Tags: Tags{
			FabioPrefix:   "urlprefix-",
			TraefikPrefix: "traefik",
			Dialects:      slices.Clone(dialects),
		},
		Fabio:          Fabio{Registry: DefaultFabioRegistry()},
		LogFormat:      "text",
		LogFile:        LogFile{RotateDuration: 24 * time.Hour},
		KillSignal:     Signal(syscall.SIGINT),
		ReloadSignal:   Signal(syscall.SIGHUP),
		MaxStale:       2 * time.Second,
		BlockQueryWait: time.Minute,
	}
}
