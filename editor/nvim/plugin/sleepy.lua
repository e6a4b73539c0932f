--- What is there from the start: commands, and the handlers for what Sleepy's server says. Servers are started by
--- `vim.lsp.enable`, see README.md.
if vim.g.loaded_sleepy or vim.fn.has('nvim-0.11') == 0 then
  return
end
vim.g.loaded_sleepy = true

local command = vim.api.nvim_create_user_command
command('SleepyPause', function()
  require('sleepy').execute('sleepy.pause')
end, { desc = 'Let Sleepy rest: nothing is compiled until :SleepyResume' })
command('SleepyResume', function()
  require('sleepy').execute('sleepy.resume')
end, { desc = 'Let Sleepy work again' })
command('SleepyExplain', function()
  require('sleepy').explain()
end, { desc = "What is broken at the cursor, and what Sleepy's fixes change" })

-- The functions are looked up when a message comes, so that Neovim's start pays for none of this.
vim.lsp.handlers['sleepy/ready'] = function(_, params, context)
  require('sleepy').on_ready(params, context)
end
vim.lsp.handlers['sleepy/status'] = function(_, params, context)
  require('sleepy').on_status(params, context)
end
-- The server answers this command with Markdown, and only the editor can show it.
vim.lsp.commands['sleepy.explain'] = function(lsp_command, context)
  require('sleepy').explain_problem(lsp_command.arguments[1], context.client_id)
end

local group = vim.api.nvim_create_augroup('sleepy', {})
vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  desc = 'Pass on to Sleepy what rust-analyzer reports',
  callback = function(event)
    require('sleepy.forward').watch(event.data.client_id)
  end,
})
vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  desc = 'Forget what a Sleepy that is gone said',
  callback = function(event)
    require('sleepy').forget(event.data.client_id)
  end,
})
