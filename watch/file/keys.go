package file

import (
	"maps"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// keySet is the keys one kind of object may have, from their folded to their
// proper spelling. It holds more than is used: keys of Consul's that mean
// nothing here are no mistake. Source: Consul 1.20, agent/config.
type keySet map[string]string

var serviceKeys = newKeySet(`
	id name tags address tagged_addresses meta port weights enable_tag_override check checks kind
	connect locality namespace partition proxy socket_path token`)

var checkKeys = newKeySet(`
	id check_id name notes status service_id
	alias_node alias_service args body deregister_critical_service_after disable_redirects docker_container_id
	failures_before_critical failures_before_warning grpc grpc_use_tls h2ping h2ping_use_tls header http interval
	method namespace os_service output_max_size partition script_args shell success_before_passing tcp tcp_use_tls
	timeout tls_server_name tls_skip_verify token ttl udp`)

var weightKeys = newKeySet("passing warning")

var addressKeys = newKeySet("address port")

// fileKeys are an agent's settings: a folder made for an agent can be used as
// it is.
var fileKeys = newKeySet(`
	service services check checks
	acl addresses advertise_addr advertise_addr_ipv4 advertise_addr_ipv6 advertise_addr_wan advertise_addr_wan_ipv4
	advertise_addr_wan_ipv6 advertise_reconnect_timeout ae_interval alt_domain audit auto_config auto_encrypt
	auto_reload_config autopilot bind_addr bootstrap bootstrap_expect ca_file ca_path cache cert_file
	check_deregister_interval_min check_output_max_size check_reap_interval check_update_interval client_addr cloud
	config_entries connect data_dir datacenter default_intention_policy default_query_time
	disable_anonymous_signature disable_coordinates disable_host_node_id disable_http_unprintable_char_filter
	disable_keyring_file disable_remote_exec disable_update_check discard_check_output discovery_max_stale dns_config
	domain enable_agent_tls_for_checks enable_central_service_config enable_debug enable_local_script_checks
	enable_script_checks enable_syslog encrypt encrypt_verify_incoming encrypt_verify_outgoing experiments gossip_lan
	gossip_wan http_config key_file leave_on_terminate license_path limits locality log_file log_json log_level
	log_rotate_bytes log_rotate_duration log_rotate_max_files max_query_time node_id node_meta node_name partition
	peering performance pid_file ports primary_datacenter primary_gateways primary_gateways_interval protocol
	raft_logstore raft_protocol raft_snapshot_interval raft_snapshot_threshold raft_trailing_logs read_replica
	reconnect_timeout reconnect_timeout_wan recursors rejoin_after_leave reporting retry_interval retry_interval_wan
	retry_join retry_join_wan retry_max retry_max_wan rpc segment segments serf_lan serf_lan_allowed_cidrs serf_wan
	serf_wan_allowed_cidrs server server_name server_rejoin_age_max session_ttl_min skip_leave_on_interrupt
	snapshot_agent syslog_facility tagged_addresses telemetry tls tls_min_version translate_wan_addrs ui
	ui_config ui_content_path ui_dir unix_sockets use_streaming_backend verify_incoming verify_incoming_https
	verify_incoming_rpc verify_outgoing verify_server_hostname watches xds`)

func newKeySet(names string) keySet {
	set := keySet{}
	for name := range strings.FieldsSeq(names) {
		set[fold(name)] = name
	}
	return set
}

// fold makes one of enable_tag_override, EnableTagOverride and
// enabletagoverride.
func fold(key string) string {
	return strings.ToLower(strings.ReplaceAll(key, "_", ""))
}

// nearest is the key that was most likely meant, or "" when none is near.
func (s keySet) nearest(key string) string {
	return s[nearest.To(fold(key), maps.Keys(s))]
}
