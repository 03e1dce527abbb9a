consul {
  address = 8500
  max_connections = "64"
  retry = "often"
  ssl {
    enabled = "true"
    verify = 1
  }
}
template {
  source = ["a"]
  command = [1]
  perms = true
  user = 1.5
  wait = 5
}
template = "a:b"
log_level = 3
kill_signal = 15
max_stale = true
lb {
  listener = 80
  listener {
    address = 80
  }
  listener {
    address = ":80"
    name = "a;b"
  }
  listener {
    name = "a"
  }
  trusted_proxies = 10
  drain_timeout = 1.5
}
once = "yes"
