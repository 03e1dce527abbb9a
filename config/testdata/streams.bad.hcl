tcp_route "none" {}
tcp_route "rule" {
  rule    = "HostSNI(`a`"
  targets = ["10.0.0.1:1"]
}
tcp_route "plain" {
  rule    = "HostSNI(`a`)"
  targets = ["10.0.0.1:1"]
}
tcp_route "word" {
  tls     = "pass"
  targets = ["10.0.0.1:1"]
}
tcp_route "port" { targets = ["10.0.0.1"] }
tcp_route "weight" { targets = ["10.0.0.1:1 weight=x"] }
tcp_route "header" {
  targets        = ["10.0.0.1:1"]
  proxy_protocol = 3
}
tcp_route "Header" {
  service     = "a"
  tls         = "terminate"
  tls_options = "unheard"
}
udp_route "rule" {
  rule    = "HostSNI(`*`)"
  targets = ["10.0.0.1:53"]
}
