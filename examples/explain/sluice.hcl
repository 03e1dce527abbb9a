# What tags cannot say, or should not: routes of the operator, middlewares tags
# may use by name, and who may ask for which host.

lb {
  listen = ["127.0.0.1:9999"]
}

route "old-site" {
  host        = "old.example.com"
  targets     = ["http://127.0.0.1:9206", "http://127.0.0.1:9207 weight=3"]
  middlewares = ["limit"]
}

route "api" {
  rule    = "Host(`api.example.com`) && PathPrefix(`/v1`)"
  service = "shop" # a service of the catalog, whatever its tags

  load_balancer {
    strategy = "leastconn"
  }
}

# limit@file in tags
middleware "limit" "rate_limit" {
  average = 100
  burst   = 50
}

middleware "stamp" "headers" {
  custom_response_headers {
    X-Served-By = "sluice"
  }
}

defaults {
  middlewares = ["stamp"]
}

claim "shop.example.com" {
  services = ["shop", "admin"]
}
