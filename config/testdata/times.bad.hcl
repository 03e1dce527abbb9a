max_stale = "-1s"
block_query_wait = "11m"
lb {
  drain_timeout = "-1s"
}
