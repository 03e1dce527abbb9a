# Made by sluice migrate of migrate/fabio.properties (Fabio).
# not taken over: migrate/fabio.properties:20: ui.color has no effect: the pages have no other colors than the browser's

consul {
  # migrate/fabio.properties:10: registry.consul.addr
  address = "127.0.0.1:8500"
}

lb {
  # migrate/fabio.properties:2: proxy.addr
  listener {
    address = ":9999"
  }
  # migrate/fabio.properties:2: proxy.addr
  listener {
    address = ":9443"
    certificates = "site"
  }
  # migrate/fabio.properties:3: proxy.cs
  certificates "site" {
    type = "consul"
    cert = ["edge/certs"]
    refresh = "3s"
  }
  timeouts {
    # migrate/fabio.properties:7: proxy.dialtimeout
    dial = "3s"
  }
  trusted_proxies = ["0.0.0.0/0", "::/0"]
  forwarding {
    # migrate/fabio.properties:8: proxy.header.clientip
    client_ip = "X-Client-Ip"
    details = true
  }
  access_log {
    # migrate/fabio.properties:15: log.access.target
    target = "stdout"
    # migrate/fabio.properties:16: log.access.format
    format = "combined"
  }
  health {
    # migrate/fabio.properties:14: registry.consul.service.status
    statuses = ["passing", "warning"]
    checks = "one"
  }
  # migrate/fabio.properties:6: proxy.noroutestatus
  no_route_status = 503
}

# only Fabio's tags are read; leave dialects out to read Traefik's as well
tags {
  # migrate/fabio.properties:11: registry.consul.tagprefix
  fabio_prefix = "app-"
  dialects = ["fabio"]
}

fabio {
  # migrate/fabio.properties:4: proxy.matcher
  matcher = "iprefix"
  # migrate/fabio.properties:12: registry.consul.kvpath
  routes_key = "edge/routes"
  no_route_key = "fabio/noroute.html"
  register {
    name = "fabio"
  }
  empty_no_route = true
  # migrate/fabio.properties:9: proxy.gzip.contenttype
  compress = "^text/"
}

admin {
  # migrate/fabio.properties:18: ui.addr
  listen = "127.0.0.1:9998"
  metrics_push "graphite" {
    address = "10.0.0.9:2003"
    names = "fabio"
  }
}
