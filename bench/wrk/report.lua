-- What came of a run, as one line of JSON after "@@".
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\n@@{"requests":%d,"us":%d,"p50":%d,"p99":%d,"bad":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
