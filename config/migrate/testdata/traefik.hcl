# Made by sluice migrate of migrate/traefik.yml (Traefik 2 or 3), migrate/dynamic.yml (Traefik 2 or 3).
# not taken over: migrate/traefik.yml:39: /data/acme.json is not here, so that certificates are ordered anew: copy it from where Traefik runs, and name it in the acme stanza (import = "acme.json")
# not taken over: migrate/traefik.yml:45: api.dashboard is left out: the admin listener tells the same in text and JSON
# not taken over: migrate/dynamic.yml:31: middleware plug of kind plugin: there is no kind of middleware plugin; routes that use it are left out
# not taken over: migrate/dynamic.yml:19: router dash is left out: the service api@internal is not of the file
# not taken over: migrate/dynamic.yml:10: route lost is left out: there is no middleware plug

# migrate/traefik.yml:31: providers.consulCatalog.endpoint
consul {
  address = "127.0.0.1:8500"
}

lb {
  # migrate/traefik.yml:3: entryPoints.web
  listener {
    address = ":8080"
    name = "web"
    redirect_to = "websecure"
  }
  # migrate/traefik.yml:10: entryPoints.websecure
  listener {
    address = ":8443"
    name = "websecure"
    proto = "https+tcp+sni"
    certificates = "migrated"
    tls_options = "clients"
  }
  # migrate/traefik.yml:20: entryPoints.inner
  listener {
    address = ":8090"
    name = "inner"
    read_timeout = "30s"
  }
  certificates "migrated" {
    type = "selfsigned"
    cert = ["localhost"]
  }
  # migrate/traefik.yml:36: certificatesResolvers.le
  acme "le" {
    email = "ops@example.com"
    key_type = "rsa4096"
  }
  # migrate/dynamic.yml:51: tls.options.clients
  tls_options "clients" {
    client_auth {
      type = "RequireAndVerifyClientCert"
      ca_files = ["clients.pem"]
    }
  }
  # migrate/dynamic.yml:55: tls.options.modern
  tls_options "modern" {
    min_version = "VersionTLS13"
    curves = ["X25519"]
    sni_strict = true
    session_tickets = false
  }
  drain_timeout = "10s"
  trusted_proxies = ["10.0.0.0/8"]
  # migrate/traefik.yml:43: accessLog
  access_log {
    target = "stdout"
    format = "traefik"
    drop_internal = true
  }
  # migrate/traefik.yml:51: tracing
  tracing {
    endpoint = "http://collector.example.com:4317"
    protocol = "grpc"
    headers {
      "x-token" = "change-me"
    }
    sample_rate = 0.1
    service_name = "edge"
    resource_attributes {
      "deployment.environment.name" = "production"
    }
    captured_request_headers = ["X-Team"]
  }
  # migrate/traefik.yml:26: providers.consulCatalog
  health {
    statuses = ["passing", "warning"]
  }
}

# migrate/traefik.yml:26: providers.consulCatalog
tags {
  exposed_by_default = false
  traefik_prefix = "edge"
  dialects = ["traefik"]
  traefik {
    default_rule = "Host(`{{ .Name }}.example.com`)"
    default_dialect = "traefik"
    constraints = "Tag(`live`)"
  }
}

admin {
  # migrate/traefik.yml:18: entryPoints.metrics
  metrics_listen = [":8082"]
  # migrate/traefik.yml:47: metrics.prometheus
  metrics "traefik" {
    buckets = [0.05, 0.5, 5]
    routers = true
  }
  traefik_api = true
}

# migrate/dynamic.yml:3: http.routers.books
route "books" {
  rule = "Host(`books.example.com`) && PathPrefix(`/shelf`)"
  entrypoints = ["inner"]
  middlewares = ["cut", "slow"]
  targets = ["http://10.0.0.1:80", "http://10.0.0.2:80 weight=3"]
  load_balancer {
    sticky {
      cookie {
        name = "shelf"
        httponly = true
      }
    }
    healthcheck {
      path = "/ok"
      interval = "5s"
      timeout = "5s"
      followredirects = true
    }
  }
}

# migrate/dynamic.yml:14: http.routers.desk
route "desk" {
  rule = "Host(`desk.example.com`)"
  tls_options = "modern"
  tls = true
  targets = ["http://10.0.0.1:80", "http://10.0.0.2:80 weight=3"]
  load_balancer {
    sticky {
      cookie {
        name = "shelf"
        httponly = true
      }
    }
    healthcheck {
      path = "/ok"
      interval = "5s"
      timeout = "5s"
      followredirects = true
    }
  }
}

# migrate/dynamic.yml:23: http.middlewares.cut
middleware "cut" "stripprefix" {
  prefixes = ["/shelf"]
}

# migrate/dynamic.yml:27: http.middlewares.slow
middleware "slow" "ratelimit" {
  average = 100
  burst = 50
}
log_level = "INFO"
