lb {
  listen = ":80"
  access_log {
    format = "$remote_hots $header.User-Agent"
    filter { status = ["4x", "404"] }
  }
}
