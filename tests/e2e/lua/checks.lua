--- What the Lua tests share: waiting for something to become true, and ending Neovim with what went wrong.
local M = {}

--- Waits until `condition` returns something, and returns that; events are handled meanwhile.
---@param what string what is waited for, for the message
---@param condition fun(): any
---@param milliseconds integer?
function M.eventually(what, condition, milliseconds)
  local value
  local came = vim.wait(milliseconds or 60000, function()
    value = condition()
    return value and true or false
  end, 20)
  if not came then
    error('never came: ' .. what, 2)
  end
  return value
end

function M.equal(expected, actual, what)
  if not vim.deep_equal(expected, actual) then
    error(('%s: expected %s, got %s'):format(what, vim.inspect(expected), vim.inspect(actual)), 2)
  end
end

--- Runs a test and leaves Neovim: 0 when it passed, 1 with the traceback on stderr otherwise.
---@param test fun()
function M.run(test)
  local passed, message = xpcall(test, debug.traceback)
  for _, client in ipairs(vim.lsp.get_clients({ _uninitialized = true })) do
    client:stop()
  end
  local stopped = vim.wait(20000, function()
    return #vim.lsp.get_clients({ _uninitialized = true }) == 0
  end, 20)
  if passed and not stopped then
    passed, message = false, 'a server did not end in 20 seconds'
  end
  if not passed then
    io.stderr:write(message .. '\n')
    vim.cmd('cquit 1')
  end
  vim.cmd('qall!')
end

return M
