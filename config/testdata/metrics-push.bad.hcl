admin {
  metrics_push "statd" {}
  metrics_push "statsd" {
    interval = "10ms"
    names    = "fabbio"
    routers  = true
  }
  metrics_push "graphite" {
    address  = "unix:///run/carbon.sock"
    interval = "0s"
    names    = "fabio"
    prefix   = "{{"
  }
  metrics_push "stdout" {
    address = "127.0.0.1:8125"
  }
}
lb {
  trusted_proxies = ["unix:", "unix:/run/x"]
  socket_folders  = ["run"]
}
