route "neither" { host = "a.example.com" }
route "both" {
  host    = "a.example.com"
  service = "a"
  targets = ["http://10.0.0.1"]
}
route "nothing" { service = "a" }
route "quote" {
  rule    = "Host(`a.example.com)"
  service = "a"
}
route "twice" {
  rule    = "Host(`a.example.com`)"
  path    = "/a"
  service = "a"
}
route "twice" {
  path    = "/a"
  service = "a"
  scheme  = "ftp"
}
route "target" {
  path    = "/a"
  targets = ["10.0.0.1:80"]
}
route "weight" {
  path    = "/a"
  targets = ["http://10.0.0.1 weight=-1"]
}
route "pathly" {
  path    = "/a"
  targets = ["http://10.0.0.1/x"]
}
route "unknown" {
  path        = "/a"
  service     = "a"
  middlewares = ["stripp"]
}
route "balance" {
  path    = "/a"
  service = "a"
  load_balancer { strategy = "wheel" }
}
middleware "strip" "strip_prefix" { prefixes = ["/a"] }
middleware "Strip" "stripprefix" {}
middleware "chained" "chain" { middlewares = ["strips"] }
defaults {
  middlewares = ["login@consulcatalog"]
  optional    = ["logn@consulcatalog"]
  load_balancer { health_check { path = "ok" } }
}
claim "Shop.example.com" { services = ["shop"] }
claim "shop*.example.com" { services = ["shop"] }
claim "shop.example.com" {}
claim "a.example.com" { services = ["[a"] }
