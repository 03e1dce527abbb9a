lb {
  listen = ":9999"
  tracing {
    endpont     = "x"
    endpoint    = "http://me:planted@collector:4318"
    protocol    = "thrift"
    sample_rate = 1.5
    headers {
      "X-Token" = 7
    }
    tls {
      root_cas = ["/nowhere/ca.pem"]
    }
  }
}
