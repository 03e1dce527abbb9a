# Every key there is, each with a value that is not its default.
deduplicate {
  enabled          = true
  prefix           = "team/answers"
  ttl              = "20s"
  max_stale        = "7s"
  block_query_wait = "17s"
}

nomad {
  address       = "https://nomad.example:4646"
  enabled       = true
  namespace     = "team"
  token         = "planted-nomad-token"
  auth_username = "u"
  auth_password = "planted-nomad-password"

  ssl {
    enabled       = true
    verify        = false
    cert          = "c.pem"
    key           = "k.pem"
    ca_cert       = "ca.pem"
    ca_cert_bytes = "pem"
    ca_path       = "/etc/ca"
    server_name   = "server.global.nomad"
  }
  retry {
    enabled     = false
    attempts    = 3
    backoff     = "1s"
    max_backoff = "10s"
  }
  transport {
    dial_keep_alive         = "11s"
    dial_timeout            = "12s"
    disable_keep_alives     = true
    idle_conn_timeout       = "13s"
    max_idle_conns          = 14
    max_idle_conns_per_host = 15
    max_conns_per_host      = 16
    tls_handshake_timeout   = "17s"
  }
}
consul {
  address         = "https://consul.example:8501"
  namespace       = "team"
  partition       = "east"
  datacenter      = "dc2"
  token           = "planted-token"
  token_file      = "/run/token"
  max_connections = 32
  mode            = "consistent"

  auth {
    enabled  = true
    username = "u"
    password = "planted-password"
  }
  ssl {
    enabled     = true
    verify      = false
    cert        = "c.pem"
    key         = "k.pem"
    ca_cert     = "ca.pem"
    ca_cert_bytes = "pem"
    ca_path     = "/etc/ca"
    server_name = "server.dc1.consul"
  }
  retry {
    enabled     = false
    attempts    = 3
    backoff     = "1s"
    max_backoff = "10s"
  }
  transport {
    dial_keep_alive         = "11s"
    dial_timeout            = "12s"
    disable_keep_alives     = true
    idle_conn_timeout       = "13s"
    max_idle_conns          = 14
    max_idle_conns_per_host = 15
    max_conns_per_host      = 16
    tls_handshake_timeout   = "17s"
  }
}

catalog {
  none    = true
  path    = "consul.d"
  address = "10.0.0.1"
}

template {
  source               = "in.ctmpl"
  destination          = "out.conf"
  perms                = "0600"
  backup               = true
  create_dest_dirs     = false
  user                 = "www-data"
  group                = 33
  error_on_missing_key = true
  error_fatal          = false
  left_delimiter       = "[["
  right_delimiter      = "]]"
  on_command_error     = "rollback"
  command_retries      = 3
  min_bytes            = 10
  min_instances        = 2
  max_shrink           = "50%"
  write                = "inplace"
  function_denylist    = ["env", "plugin*"]
  sandbox_path         = "/srv"

  exec {
    command       = ["nginx", "-s", "reload"]
    timeout       = "5s"
    splay         = "1s"
    kill_signal   = "SIGQUIT"
    kill_timeout  = "2s"
    reload_signal = "SIGUSR1"
    env {
      pristine  = true
      custom    = ["A=1", "B=2,3"]
      allowlist = "CONSUL_*"
      denylist  = ["*_TOKEN"]
    }
  }
  reload "haproxy" {
    socket = "/run/haproxy.sock"
  }
  lock {
    key   = "locks/nginx"
    limit = 2
    hold  = "10s"
  }
  check {
    command = "nginx -t -c {}"
    timeout = "6s"
  }
  wait {
    min = "1s"
    max = "2s"
  }
}

wait {
  min = "5s"
  max = "20s"
}

default_delimiters {
  left  = "<<"
  right = ">>"
}

group "web" {
  templates = ["other.conf"]
  command   = "reload all, at once"
  timeout   = "9s"
  splay     = "8s"
  lock {
    key   = "locks/group"
    limit = 3
    hold  = "11s"
  }
}

template {
  source      = "other.ctmpl"
  destination = "other.conf"
}

exec {
  command       = "app"
  enabled       = true
  timeout       = "5s"
  splay         = "6s"
  kill_signal   = "SIGTERM"
  kill_timeout  = "7s"
  reload_signal = "SIGHUP"
  env {
    pristine  = true
    custom    = ["C=1"]
    whitelist = ["D*"]
    blacklist = ["E*"]
  }
}

template_error_fatal = true
on_command_error     = "exit"
once                 = false
once_timeout         = "1m"
parse_only           = true
err_on_failed_lookup = true
watch_files          = true
exit_code_on_stop    = 0
log_level            = "trace"
log_format           = "json"
kill_signal          = "SIGTERM"
reload_signal        = "sigusr1"
pid_file             = "/run/sluice.pid"
log_file {
  path                 = "/var/log/sluice.log"
  log_rotate_bytes     = 1000000
  log_rotate_duration  = "1h"
  log_rotate_max_files = 7
}

syslog {
  enabled  = true
  facility = "daemon"
  name     = "edge"
}

max_stale            = "10m"
block_query_wait     = "30s"

lb {
  listener {
    address = ":443"
    name    = "web"
    cert    = "web.pem"
  }
  listener {
    address = ":8443"
    name    = "private"

    certificates = "kv"
    strict_sni   = true
    tls_min      = "tls12"
    tls_ciphers  = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "0xc030"]
    tls_options  = "modern"

    proxy_protocol {
      trusted  = ["10.0.0.0/8", "192.0.2.1"]
      required = true
      timeout  = "1s"
    }
    header_timeout             = "1s"
    read_timeout               = "2s"
    write_timeout              = "3s"
    idle_timeout               = "4s"
    max_connections            = 5
    max_connections_per_client = 6
    max_header_bytes           = 16384
    max_header_fields          = 7
    max_body_bytes             = 8
    max_requests               = 9
    max_age                    = "10s"
  }
  listener {
    address     = ":8088"
    redirect_to = "https"
  }
  listener = ":80"
  listen   = [":8080;name=alt", ":8081"]

  certificates "kv" {
    type      = "consul"
    cert      = "lb/certificates"
    client_ca = "lb/authorities"
    refresh   = "5s"
  }
  certificates "pki" {
    type                 = "vault-pki"
    cert                 = "pki/issue/web"
    client_ca            = "secret/clients"
    client_ca_upgrade_cn = "ApiGateway"
    refresh              = "24h"
  }
  certificates "web" {
    type   = "http"
    cert   = "https://certificates.example/list"
    header = "X-Token: planted"
  }

  acme "letsencrypt" {
    email           = "operator@example.com"
    ca              = "https://ca.example/directory"
    ca_root         = "/etc/ca.pem"
    key_type        = "EC384"
    preferred_chain = "Root X1"

    eab {
      kid  = "account-1"
      hmac = "planted-hmac"
    }

    challenge   = "http"
    entry_point = "alt"
    storage     = "file"
    folder      = "/var/lib/sluice/acme"
    domains     = ["www.example.com"]
    allow       = ["*.example.com", "example.com"]
  }
  acme "shared" {
    email   = "operator@example.com"
    storage = "consul"
    prefix  = "lb/acme"
  }

  tls_options "modern" {
    min_version     = "tls12"
    max_version     = "VersionTLS13"
    ciphers         = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
    curves          = ["X25519", "secp256r1"]
    alpn            = ["http/1.1"]
    sni_strict      = true
    session_tickets = false

    client_auth {
      type     = "VerifyClientCertIfGiven"
      ca_files = ["clients.pem", "/etc/authorities"]
    }
  }
  tls_options "default" {
    min_version = "tls13"
  }

  drain_timeout   = "7s"
  drain_delay     = "3s"
  failover        = ["dc2", "dc3"]

  locality {
    node     = "edge-1"
    zone     = "eu-1a"
    meta_key = "az"
  }

  guard {
    max_loss      = "40%"
    min_instances = 9
    window        = "11s"
    hold          = "12m"
  }

  trusted_proxies = ["10.0.0.0/8", "192.0.2.1"]
  socket_folders  = ["/run/apps"]

  timeouts {
    header        = "11s"
    read          = "12s"
    write         = "13s"
    idle          = "14s"
    dial          = "15s"
    response      = "16s"
    upstream_idle = "17s"
    tunnel        = "18s"
    departed      = "19s"

    departed_tunnel = "21s"
    departed_call   = "22s"
  }
  limits {
    connections             = 21
    connections_per_client  = 22
    header_bytes            = 16384
    header_fields           = 23
    body_bytes              = 24
    requests_per_connection = 25
    connection_age          = "26s"
    connections_per_target  = 27
    target_wait             = "28ms"
    idle_per_target         = 29
    kept_body_bytes         = 30
    call_message_bytes      = 32
    buffer_file_bytes       = 31
  }
  forwarding {
    client_ip            = "X-Client-Ip"
    request_id           = "X-Request-Id"
    tls                  = "X-Secure"
    tls_value            = "yes"
    append_forwarded_for = false
    by                   = "192.0.2.9"
    details              = true
    server_name          = "edge"

    strict_transport {
      max_age    = 31536000
      subdomains = true
      preload    = true
    }
  }
  underscore_headers = "reject"
  reject_encoded     = ["slash", "backslash"]

  auth "ops" {
    type    = "basic"
    file    = "/dev/null"
    realm   = "staff"
    refresh = "10s"
  }

  health {
    statuses = ["passing", "warning"]
    checks   = "one"
  }
  no_route_status = 410

  tracing {
    enabled  = true
    endpoint = "https://collector.internal:4318/v1/traces"
    protocol = "http"
    headers {
      "X-Token" = "planted"
    }
    tls {
      root_cas             = ["-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"]
      certificate          = "-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"
      key                  = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8b41GP2qbCyBU+gn\nIdcbosg6eBuLrpBgQHvr0qSGyryhRANCAARz1jUqvfcyMCngFgwX+cbMhfR2YQCs\nzG/snkGPrQGXpQdRLeXCHUzekglF/wZQq7WSpTwF2Ddz/EkLIDrKG6la\n-----END PRIVATE KEY-----\n"
      server_name          = "collector.internal"
      insecure_skip_verify = true
    }
    sample_rate  = 0.25
    service_name = "edge"
    resource_attributes {
      "deployment.environment.name" = "test"
    }
    captured_request_headers  = ["X-Team"]
    captured_response_headers = ["X-Cache"]
    safe_query_params         = ["page"]
  }

  access_log {
    target = "/var/log/sluice/access.log"
    format = "traefik-json"

    drop_query    = true
    drop_internal = true

    fields {
      default = "drop"
      keep    = ["RequestPath", "DownstreamStatus"]
      drop    = "StartLocal"
      redact  = ["ClientUsername"]
    }
    headers {
      default = "keep"
      keep    = ["X-Request-Id"]
      drop    = ["Accept", "Accept-Encoding"]
      redact  = ["Referer"]
    }
    filter {
      status       = ["404", "500-599"]
      retried      = true
      min_duration = "250ms"
    }
  }
}

fabio {
  empty_no_route = true
  no_route_page  = "nothing here"
  compress       = "^text/"
  matcher      = "iprefix"
  plain_hosts  = true
  routes_key   = "fabio/config"
  routes       = "route del web"
  no_route_key = "fabio/noroute.html"

  register {
    enabled               = true
    name                  = "edge"
    address               = "10.0.0.1:9998"
    tags                  = ["lb"]
    check_interval        = "2s"
    check_timeout         = "5s"
    check_tls_skip_verify = true
    grace                 = "10s"
  }

  registry {
    backend       = "consul"
    path          = "routes.txt"
    no_route_path = "page.html"
    url           = "https://routes.example/v1?dc=1"
    timeout       = "3s"
    poll_interval = "4s"
    skip_verify   = true
  }
}

tags {
  exposed_by_default = true
  fabio_prefix       = "route-"
  fabio_prefixes     = ["inner-"]
  traefik_prefix     = "edge"
  dialects           = ["fabio"]
  from_meta          = true

  traefik {
    default_rule    = "Host(`{{ .Name }}.test`)"
    default_rule_v1 = "Host:{{.ServiceName}}.{{.Domain}}"
    domain          = "v1.test"
    default_dialect = "traefik1"
    rule_syntax     = "v2"
    constraints     = "Tag(`here`)"
    constraints_v1  = ["tag==here"]

    redirect_bare_prefix = true
    keep_trailing_slash  = true
    rewrite_location     = true
    rewrite_cookies      = true
  }
}

admin {
  listen = "unix:///run/sluice.sock"
  hosts  = "sluice.example, other.example"
  metrics_listen = [":9997", "unix:///run/metrics.sock"]
  metrics_path   = "/internal/metrics"
  traefik_api    = true
  metrics "traefik" {
    buckets     = [0.1, 1, 2.5]
    entrypoints = false
    routers     = true
    services    = false
    backends    = true
  }
  metrics "fabio" {
    prefix    = "lb-{{clean .Hostname}}"
    subsystem = "edge"
  }
  metrics_push "dogstatsd" {
    address     = "unix:///run/datadog/dsd.socket"
    interval    = "10s"
    names       = "traefik"
    prefix      = "edge"
    entrypoints = false
    routers     = true
    services    = false
  }

  certificates = "web"
  tls_min      = "tls12"
  tls_max      = "tls13"
  tls_ciphers  = ["0xc030"]
  strict_sni   = true
}
vault {
  address                 = "https://vault.example:8200"
  enabled                 = true
  namespace               = "team"
  token                   = "planted-vault-token"
  vault_agent_token_file  = "/run/vault-token"
  renew_token             = true
  unwrap_token            = true
  client_user_agent       = "me"
  default_lease_duration  = "1m"
  lease_renewal_threshold = 0.8

  k8s_auth_role_name             = "role"
  k8s_service_account_token      = "planted-account-token"
  k8s_service_account_token_path = "/run/account"
  k8s_service_mount_path         = "k8s"

  ssl {
    enabled       = true
    verify        = false
    cert          = "c.pem"
    key           = "k.pem"
    ca_cert       = "ca.pem"
    ca_cert_bytes = "pem"
    ca_path       = "/etc/ca"
    server_name   = "server.global.nomad"
  }
  retry {
    enabled     = false
    attempts    = 3
    backoff     = "1s"
    max_backoff = "10s"
  }
  transport {
    dial_keep_alive         = "11s"
    dial_timeout            = "12s"
    disable_keep_alives     = true
    idle_conn_timeout       = "13s"
    max_idle_conns          = 14
    max_idle_conns_per_host = 15
    max_conns_per_host      = 16
    tls_handshake_timeout   = "17s"
  }
}

route "api" {
  host          = ["api.example.com", "api.example.org"]
  path          = "/v1"
  entrypoints   = ["web"]
  priority      = 7
  middlewares   = ["strip", "login@consulcatalog"]
  defaults      = false
  tls           = true
  tls_options   = "modern"
  cert_resolver = "shared"
  tracing       = "detailed"
  service       = "api"
  scheme        = "https"
  server_name   = "api.internal"
  skip_verify   = true
  pass_host     = false
  load_balancer { strategy = "leastconn" }
}

route "old" {
  transport = "inner"
  rule    = "Host(`old.example.com`)"
  targets = ["http://10.0.0.1:80", "http://10.0.0.2 weight=3"]
  rule_syntax = "v2"
}

service "canary" {
  service     = "api"
  scheme      = "https"
  server_name = "canary.internal"
  skip_verify = true
  pass_host   = false
  load_balancer { strategy = "p2c" }
}
service "old" {
  middlewares = ["strip"]
  targets   = ["http://10.0.0.1:80"]
  transport = "inner"
}
service "split" {
  weighted {
    services = [{ name = "canary", weight = 0 }, { name = "old" }]
    sticky { cookie { name = "part" } }
  }
}
service "near" {
  highest_random_weight {
    services { name = "canary" }
    services { name = "login@consulcatalog" weight = 3 }
  }
}
service "shadowed" {
  mirroring {
    service     = "split"
    mirror_body = false
    mirrors { name = "near" percent = 10 }
  }
}
service "safe" {
  failover {
    service  = "shadowed"
    fallback = "old"
    errors { status = ["502-504"] }
  }
}

transport "inner" {
  insecure_skip_verify = true
  server_name      = "inner.internal"
  peer_cert_uri    = "urn:inner"
  root_cas         = ["-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"]
  certificate      = "-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"
  key              = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8b41GP2qbCyBU+gn\nIdcbosg6eBuLrpBgQHvr0qSGyryhRANCAARz1jUqvfcyMCngFgwX+cbMhfR2YQCs\nzG/snkGPrQGXpQdRLeXCHUzekglF/wZQq7WSpTwF2Ddz/EkLIDrKG6la\n-----END PRIVATE KEY-----\n"
  min_version      = "tls12"
  max_version      = "tls13"
  ciphers          = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
  dial_timeout     = "1s"
  response_timeout = "2s"
  idle_timeout     = "3s"
  max_idle         = 4
}

tcp_transport "plain" {
  insecure_skip_verify = true
  server_name       = "plain.internal"
  peer_cert_uri     = "urn:plain"
  root_cas          = ["-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"]
  certificate       = ["-----BEGIN CERTIFICATE-----\nMIIBdDCCARugAwIBAgIUFM9VMCPrKwBo7tBrzUnjg7IjXSgwCgYIKoZIzj0EAwIw\nDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwNjA1MDJaGA8yMTI2MTAyODA2MDUw\nMlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHPW\nNSq99zIwKeAWDBf5xsyF9HZhAKzMb+yeQY+tAZelB1Et5cIdTN6SCUX/BlCrtZKl\nPAXYN3P8SQsgOsobqVqjUzBRMB0GA1UdDgQWBBQU8PbTa35iMEL+q6E6nSIoM/uF\nizAfBgNVHSMEGDAWgBQU8PbTa35iMEL+q6E6nSIoM/uFizAPBgNVHRMBAf8EBTAD\nAQH/MAoGCCqGSM49BAMCA0cAMEQCIGXE7xWdraoDdwzx8YjnP2J9t/Qlk+6Xu12m\nA5PZgH/mAiAMT+3RBlzVJUjDDezkAioF4GgnvZEbH7IsraMRYRKPjA==\n-----END CERTIFICATE-----\n"]
  key               = ["-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8b41GP2qbCyBU+gn\nIdcbosg6eBuLrpBgQHvr0qSGyryhRANCAARz1jUqvfcyMCngFgwX+cbMhfR2YQCs\nzG/snkGPrQGXpQdRLeXCHUzekglF/wZQq7WSpTwF2Ddz/EkLIDrKG6la\n-----END PRIVATE KEY-----\n"]
  dial_timeout      = "5s"
  keepalive         = "6s"
  termination_delay = "-7s"
  proxy_protocol    = 1
}

tcp_route "db" {
  rule           = "HostSNI(`db.example.com`)"
  priority       = 9
  entrypoints    = ["web"]
  tls            = "terminate"
  tls_options    = "modern"
  cert_resolver  = "letsencrypt"
  service        = "db"
  target_tls     = true
  server_name    = "db.internal"
  skip_verify    = true
  proxy_protocol = 2
}

tcp_route "other" {
  middlewares = ["office", "few@consulcatalog"]
  health_check { send = "a" expect = "b" interval = "2s" unhealthy_interval = "3s" timeout = "4s" port = 5 }
  targets   = ["10.0.0.3:5432 weight=2"]
  transport = "plain"
}

tcp_service "replicas" {
  service        = "db"
  target_tls     = true
  server_name    = "db.internal"
  skip_verify    = true
  proxy_protocol = 2
  health_check { expect = "b" }
}
tcp_service "plain" {
  targets   = ["10.0.0.3:5433"]
  transport = "plain"
}
tcp_service "either" {
  weighted { services = [{ name = "replicas", weight = 3 }, { name = "db" }, { name = "x@consulcatalog" }] }
}
udp_service "resolvers" { targets = ["10.0.0.4:53"] }
tcp_middleware "office" "ip_allow_list" { source_range = ["10.0.0.0/8"] }
tcp_middleware "some" "in_flight_conn" { amount = 3 }

udp_route "dns" {
  entrypoints = ["web"]
  targets     = ["10.0.0.4:53"]
}

middleware "strip" "strip_prefix" { prefixes = ["/v1"] }
middleware "all" "chain" { middlewares = ["strip"] }

defaults {
  transport     = "inner"
  tcp_transport = "plain"
  middlewares   = ["all"]
  optional      = ["all"]
  entrypoints   = ["web"]
  load_balancer { strategy = "p2c" }
}

claim "*.shop.example.com" {
  services   = ["shop-*"]
  nodes      = ["web-[0-9]"]
  namespaces = ["shop"]
  catch_all  = true
}

policy "shop-*" {
  tags        = ["tier=*"]
  namespaces  = ["shop"]
  middlewares = ["strip"]
  without     = ["all"]
  load_balancer { request_timeout = "30s" }
}
