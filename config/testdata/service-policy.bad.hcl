middleware "strip" "strip_prefix" { prefixes = ["/v1"] }
defaults { middlewares = ["strip"] }
policy "nothing" {}
policy { middlewares = ["strip"] }
policy "key" { middleware = ["strip"] }
policy "[a" { middlewares = ["strip"] }
policy "names" {
  middlewares = ["strp"]
  without     = ["stripp"]
}
policy "value" {
  tags = [""]
  load_balancer { strategy = "fastest" }
}
policy "list" {
  load_balancer { max_requests = "many" }
}
