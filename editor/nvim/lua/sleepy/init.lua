--- What Neovim shows of Sleepy, and what it can tell it. Every function is safe to call without a server.
local M = {}

--- What the servers said last, by client.
---@type table<integer, { status: { state: string, reason?: string }?, ready: table<string, table> }>
local heard = {}

local function heard_from(client_id)
  heard[client_id] = heard[client_id] or { ready = {} }
  return heard[client_id]
end

--- Whether a client speaks for Sleepy: `sleepy lsp`, or one that wraps it.
---@param client vim.lsp.Client
function M.is_ours(client)
  local provider = client.server_capabilities.executeCommandProvider
  return provider ~= nil and vim.list_contains(provider.commands or {}, 'sleepy.pause')
end

---@param buffer integer? only clients of this buffer
---@return vim.lsp.Client[]
local function clients(buffer)
  return vim.tbl_filter(M.is_ours, vim.lsp.get_clients({ bufnr = buffer }))
end

local function tell(text)
  vim.notify('Sleepy: ' .. text, vim.log.levels.INFO)
end

--- Runs a command of the server in every Sleepy that runs.
---@param name string such as `sleepy.pause`
---@param arguments any[]?
function M.execute(name, arguments)
  local all = clients()
  if #all == 0 then
    tell("no server runs here. Open a Rust file of a cargo project, after vim.lsp.enable('sleepy').")
  end
  for _, client in ipairs(all) do
    client:exec_cmd({ title = name, command = name, arguments = arguments })
  end
end

---@param client vim.lsp.Client
---@param params table parameters of `sleepy/explain`
local function show_explanation(client, params)
  client:request('sleepy/explain', params, function(error, result)
    if error then
      tell(error.message)
    elseif not result or result == vim.NIL then
      tell('nothing is known to be broken here.')
    else
      local lines = vim.lsp.util.convert_input_to_markdown_lines(result)
      vim.lsp.util.open_floating_preview(lines, 'markdown', { border = 'rounded', focus_id = 'sleepy/explain' })
    end
  end)
end

--- Shows what is broken at the cursor, and what our fixes would change, in a floating window.
function M.explain()
  local client = clients(0)[1]
  if not client then
    return tell('no server looks at this buffer.')
  end
  show_explanation(client, vim.lsp.util.make_position_params(0, client.offset_encoding))
end

--- The same for a problem that a code action names.
---@param problem_id string
---@param client_id integer
function M.explain_problem(problem_id, client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  if client then
    show_explanation(client, { problemId = problem_id })
  end
end

--- `sleepy/ready`: fixes of a file are there, or gone. Fires `User SleepyReady` with the message as its data.
function M.on_ready(params, context)
  local has_any = params.problems ~= 0 or params.offers ~= 0
  heard_from(context.client_id).ready[params.uri] = has_any and params or nil
  vim.api.nvim_exec_autocmds('User', { pattern = 'SleepyReady', data = params })
end

--- `sleepy/status`: what the server does now. Fires `User SleepyStatus`.
function M.on_status(params, context)
  heard_from(context.client_id).status = params
  vim.api.nvim_exec_autocmds('User', { pattern = 'SleepyStatus', data = params })
end

--- Forgets a client that no longer looks at any buffer.
---@param client_id integer
function M.forget(client_id)
  -- The event comes before the buffer is taken off the client, so look again when that is done.
  vim.schedule(function()
    local client = vim.lsp.get_client_by_id(client_id)
    if not client or client:is_stopped() or next(client.attached_buffers) == nil then
      heard[client_id] = nil
    end
  end)
end

--- A few words for a statusline: `%{v:lua.require'sleepy'.status()}`. Empty where there is nothing to say.
---@param buffer integer? the current one when not given
---@return string
function M.status(buffer)
  local uri = vim.uri_from_bufnr(buffer or 0)
  local fixes, state = 0, nil
  for _, said in pairs(heard) do
    fixes = math.max(fixes, said.ready[uri] and said.ready[uri].offers or 0)
    if said.status and said.status.state ~= 'idle' then
      state = said.status.state
    end
  end
  -- What is being done matters less than what is ready; that nothing is done matters in any case.
  local words = {}
  if fixes > 0 then
    table.insert(words, ('%d %s'):format(fixes, fixes == 1 and 'fix' or 'fixes'))
  end
  if state and (fixes == 0 or state == 'paused' or state == 'off') then
    table.insert(words, state)
  end
  return #words > 0 and 'sleepy: ' .. table.concat(words, ', ') or ''
end

return M
