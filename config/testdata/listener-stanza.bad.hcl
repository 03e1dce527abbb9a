lb {
  listener {
    name = "no address"
  }
  listener {
    address = ":1"
    proxy_protocol {
      truste = ["10.0.0.0/8"]
    }
  }
  listener {
    address     = ":1"
    tls_ciphers = [1]
  }
  listener {
    address = ":1;name=a;"
  }
  certificates "a" {
    tpye = "file"
  }
  timeouts {
    read = "soon"
  }
  limits {
    connections = "many"
    conections  = 5
  }
  forwarding {
    strict_transport {
      max_age = -1
    }
  }
  trusted_proxies = ["10.0.0.0/33"]
}
