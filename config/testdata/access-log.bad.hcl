lb {
  listen = ":80"
  access_log {
    target = "stdout"
    fromat = "json"
    format = "$remote_hots $header.User-Agent"
    fields { default = "hide" }
    headers { keep = ["X-A"], drop = ["x-a"] }
    filter {
      status       = ["4x", "404"]
      min_duration = "soon"
    }
  }
}
