# Made by sluice migrate of migrate/traefik1.toml (Traefik 1).
# not taken over: migrate/traefik1.toml:10: entryPoints.http.redirect is permanent here: redirects of a listener are
# not taken over: migrate/traefik1.toml:32: api.entryPoint: what the API tells is at the admin listener, not at admin

consul {
  address = "127.0.0.1:8500"
}

lb {
  # migrate/traefik1.toml:8: entryPoints.http
  listener {
    address = ":8080"
    name = "http"
    redirect_to = "https"
  }
  # migrate/traefik1.toml:12: entryPoints.https
  listener {
    address = ":8443"
    name = "https"
    certificates = "migrated"
  }
  # migrate/traefik1.toml:15: entryPoints.admin
  listener {
    address = ":8090"
    name = "admin"
  }
  # migrate/traefik1.toml:17: entryPoints.desk
  listener {
    address = ":8444"
    name = "desk"
    certificates = "migrated"
    tls_options = "desk"
  }
  # migrate/traefik1.toml:23: entryPoints.private
  listener {
    address = ":8091"
    name = "private"
    middlewares = "entrypoint-private-auth"
  }
  certificates "migrated" {
    type = "selfsigned"
    cert = ["localhost"]
  }
  # migrate/traefik1.toml:19: entryPoints.desk.tls
  tls_options "desk" {
    client_auth {
      ca_files = ["clients.pem"]
    }
  }
  drain_timeout = "10s"
  # migrate/traefik1.toml:28: accessLog
  access_log {
    target = "/tmp/access.log"
    format = "traefik1"
    headers {
      default = "keep"
    }
  }
}

# migrate/traefik1.toml:34: consulCatalog
tags {
  exposed_by_default = false
  traefik_prefix = "edge"
  dialects = ["traefik1"]
  traefik {
    domain = "example.com"
    default_dialect = "traefik1"
    constraints_v1 = ["tag==live"]
    keep_trailing_slash = true
  }
}

# migrate/traefik1.toml:57: frontends.books
route "books" {
  rule = "Host:books.example.com;PathPrefixStrip:/shelf"
  rule_syntax = "v1"
  entrypoints = ["admin"]
  middlewares = ["books-breaker"]
  targets = ["http://10.0.0.1:80 weight=10", "http://10.0.0.2:80"]
  load_balancer {
    sticky {
      cookie {
        name = "shelf"
      }
    }
  }
}

# migrate/traefik1.toml:64: frontends.guarded
route "guarded" {
  rule = "Host:guarded.example.com"
  rule_syntax = "v1"
  middlewares = ["guarded-auth", "guarded-breaker"]
  targets = ["http://10.0.0.1:80 weight=10", "http://10.0.0.2:80"]
  load_balancer {
    sticky {
      cookie {
        name = "shelf"
      }
    }
  }
}

# migrate/traefik1.toml:70: frontends.limited
route "limited" {
  rule = "Host:limited.example.com"
  rule_syntax = "v1"
  middlewares = ["limited-breaker"]
  targets = ["http://10.0.0.1:80 weight=10", "http://10.0.0.2:80"]
  load_balancer {
    sticky {
      cookie {
        name = "shelf"
      }
    }
  }
}

# migrate/traefik1.toml:23: entryPoints.private
middleware "entrypoint-private-auth" "basicauth" {
  users = ["ops:$2y$05$Vh8n1sX1E0bqjFYbKkmFSOZcVvN6eK1qk0K4sWcU5y3iHjJmS5y5W"]
}

# migrate/traefik1.toml:57: frontends.books
middleware "books-breaker" "circuitbreaker" {
  expression = "NetworkErrorRatio() > 0.5"
}

# migrate/traefik1.toml:64: frontends.guarded
middleware "guarded-auth" "forwardauth" {
  address = "http://auth.example.com/check"
  maxbodysize = -1
  maxresponsebodysize = -1
}

# migrate/traefik1.toml:64: frontends.guarded
middleware "guarded-breaker" "circuitbreaker" {
  expression = "NetworkErrorRatio() > 0.5"
}

# migrate/traefik1.toml:70: frontends.limited
middleware "limited-breaker" "circuitbreaker" {
  expression = "NetworkErrorRatio() > 0.5"
}

# migrate/traefik1.toml:5: defaultEntryPoints
defaults {
  entrypoints = ["http", "https"]
}
log_level = "WARN"
